/** Fused layers in bfloat16 against the same in float32: as near as two bytes allow. */
import { expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import { collate, Policy } from '../../src/model/index.js';
import { hasNativeOps } from '../../src/tensor/index.js';
import { goldenCase, goldenLora, goldenWeights } from '../unit/model/golden.js';
import { relativeGap } from './tiny-policy.js';

/** bfloat16 keeps 8 bits: a relative 2⁻⁹ a rounding, some dozens of roundings on the way. */
const LOGP_MEAN = 0.05;
const GRADIENT = 0.06;

const FAMILIES = ['llama', 'qwen3', 'gemma2', 'phi3', 'olmo2', 'granite'];

async function answers(name: string, compute: 'float32' | 'bfloat16') {
  const golden = goldenCase(name);
  const { spec } = golden;
  const weights = goldenWeights(name, spec);
  const policy = new Policy({
    spec,
    weights,
    ...goldenLora(name, spec),
    checkpointedLayers: 0,
    compute,
  });
  const batch = collate(golden.rows.map((ids) => ({ ids, trained: ids.map(() => true) })));
  const totalTokens = batch.targets.length;
  const { gradient, logps } = await policy.gradients(batch, (scores) =>
    sftLoss(scores, { totalTokens, lossType: 'nll', labelSmoothing: 0 }),
  );
  const values = (await gradient.data()) as Float32Array;
  gradient.dispose();
  const { fused } = policy;
  policy.dispose();
  return { logps, gradient: values, fused };
}

test.skipIf(!hasNativeOps()).each(FAMILIES)('%s', async (name) => {
  const full = await answers(name, 'float32');
  const half = await answers(name, 'bfloat16');
  expect([full.fused, half.fused]).toEqual(['float32', 'bfloat16']);
  const gaps = full.logps.map((logp, i) => Math.abs(logp - half.logps[i]!));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(0);
  expect(mean).toBeLessThan(LOGP_MEAN);
  expect(relativeGap(half.gradient, full.gradient)).toBeLessThan(GRADIENT);
});
