import { expect, test } from 'vitest';
import { dropout } from '../../../src/model/dropout.js';
import { tf } from '../../../src/tensor/index.js';

const SIZE = 10_000;
const drop = (rate: number, key: readonly (number | string)[]) =>
  tf.tidy(() =>
    dropout(tf.ones([SIZE]), { rate, key })
      .dataSync<'float32'>()
      .slice(),
  );

test('a share of the elements is zero, the others make up for it', () => {
  const y = drop(0.25, [1, 'q_proj']);
  const kept = y.filter((value) => value !== 0);
  // 10,000 draws of 0.75: standard deviation √(0.75 · 0.25 / 10000) = 0.0043.
  expect(Math.abs(kept.length / SIZE - 0.75)).toBeLessThan(0.02);
  expect(kept).toBeAllclose(new Float32Array(kept.length).fill(1 / 0.75));
});

test('the mask is a function of the key', () => {
  expect(drop(0.5, [1, 'q_proj'])).toEqual(drop(0.5, [1, 'q_proj']));
  expect(drop(0.5, [1, 'q_proj'])).not.toEqual(drop(0.5, [1, 'k_proj']));
  expect(drop(0.5, [1, 'q_proj'])).not.toEqual(drop(0.5, [2, 'q_proj']));
});
