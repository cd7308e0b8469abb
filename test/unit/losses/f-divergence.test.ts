/** Divergences at log-ratios where an exponent would leave float32. Values of usual ones are golden, in dpo.test.ts. */
import { expect, it } from 'vitest';
import { divergenceScores } from '../../../src/losses/f-divergence.js';
import { tf } from '../../../src/tensor/index.js';

it.each([
  { type: 'forward_kl', alpha: 1 },
  { type: 'alpha_divergence', alpha: 0.5 },
  { type: 'js_divergence', alpha: 1 },
] as const)('$type has finite scores and slopes far from the reference', async (divergence) => {
  const ratios = tf.tensor1d([-400, 400]);
  const scores = divergenceScores(ratios, divergence);
  const slopes = tf.grad((r) => tf.sum(divergenceScores(r, divergence)))(ratios);
  for (const value of [...(await scores.data()), ...(await slopes.data())]) {
    expect(Number.isFinite(value)).toBe(true);
  }
  tf.dispose([ratios, scores, slopes]);
});
