/** What a GPU computes, by the same operations on the CPU: layers over bfloat16 tensors against float32. */
import { expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import { collate, Policy } from '../../src/model/index.js';
import { hasHalfTensors, hasNativeOps, tf } from '../../src/tensor/index.js';
import { goldenCase, goldenLora, goldenWeights } from '../unit/model/golden.js';
import { relativeGap } from './tiny-policy.js';

// Read when TensorFlow is loaded, by the first test.
process.env.LORIKEET_NATIVE_OPS = '0';
process.env.LORIKEET_BFLOAT16_TENSORS = '1';

/** bfloat16 keeps 8 bits: a relative 2⁻⁹ a rounding, some dozens of roundings on the way. */
const LOGP_MEAN = 0.02;
const RELATIVE = 0.04;
const COSINE = 0.999;

const FAMILIES = ['llama', 'qwen3', 'gemma2', 'phi3', 'olmo2', 'granite'];

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

async function answers(
  name: string,
  { compute, checkpointed = false }: { compute: 'float32' | 'bfloat16'; checkpointed?: boolean },
) {
  const golden = goldenCase(name);
  const { spec } = golden;
  const before = tf.memory().numTensors;
  const policy = new Policy({
    spec,
    weights: goldenWeights(name, spec),
    ...goldenLora(name, spec),
    checkpointedLayers: checkpointed ? spec.layers.length : 0,
    compute,
  });
  const batch = collate(golden.rows.map((ids) => ({ ids, trained: ids.map(() => true) })));
  const logits = await policy.logits(batch);
  const totalTokens = batch.targets.length;
  const { gradient, logps } = await policy.gradients(batch, (scores) =>
    sftLoss(scores, { totalTokens, lossType: 'nll', labelSmoothing: 0 }),
  );
  const values = (await gradient.data()) as Float32Array;
  gradient.dispose();
  const { fused } = policy;
  policy.dispose();
  const left = tf.memory().numTensors - before;
  return { logits, logps, gradient: values, fused, left };
}

test('this process has them', () => {
  expect([hasNativeOps(), hasHalfTensors()]).toEqual([false, true]);
});

test.each(FAMILIES)('%s', async (name) => {
  const full = await answers(name, { compute: 'float32' });
  const half = await answers(name, { compute: 'bfloat16' });
  expect([full.fused, half.fused]).toEqual(['float32', 'bfloat16']);
  const gaps = full.logps.map((logp, i) => Math.abs(logp - half.logps[i]!));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(0);
  expect(mean).toBeLessThan(LOGP_MEAN);
  for (const part of ['logits', 'gradient'] as const) {
    expect(relativeGap(half[part], full[part])).toBeLessThan(RELATIVE);
    expect(cosine(half[part], full[part])).toBeGreaterThan(COSINE);
  }
  expect([full.left, half.left]).toEqual([0, 0]);
});

test('recomputed layers give the same gradient', async () => {
  const kept = await answers('llama', { compute: 'bfloat16' });
  const again = await answers('llama', { compute: 'bfloat16', checkpointed: true });
  expect(again.logps).toEqual(kept.logps);
  expect(relativeGap(again.gradient, kept.gradient)).toBeLessThan(1e-2);
});
