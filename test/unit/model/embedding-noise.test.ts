import { expect, test } from 'vitest';
import { embeddingNoise } from '../../../src/model/embedding-noise.js';
import { tf } from '../../../src/tensor/index.js';

const noise = (seed: number) =>
  tf.tidy(() =>
    embeddingNoise([200, 64], { alpha: 5, length: 100, seed }).dataSync<'float32'>().slice(),
  );

test('uniform within α/√(L·H), around zero', () => {
  // 5/√(100 · 64) = 0.0625; the standard deviation of U(−m, m) is m/√3.
  const values = noise(1);
  expect(Math.max(...values)).toBeLessThanOrEqual(0.0625);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.0625);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + b * b, 0) / values.length;
  // Standard error of the mean: 0.0361/√12800 = 3.2e-4.
  expect(Math.abs(mean)).toBeLessThan(1.3e-3);
  expect(Math.abs(Math.sqrt(variance) - 0.0625 / Math.sqrt(3))).toBeLessThan(1e-3);
});

test('a function of the seed', () => {
  expect(noise(1)).toEqual(noise(1));
  expect(noise(1)).not.toEqual(noise(2));
});
