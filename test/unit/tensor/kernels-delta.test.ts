/** The gated delta rule compiled and composed: sums over chunks, heads and forks of sequences must be the same. */
import { describe, expect, test } from 'vitest';
import { hasNativeOps, tf } from '../../../src/tensor/index.js';
import { composedKernels } from '../../../src/tensor/kernels/composed.js';
import type { LayerKernels } from '../../../src/tensor/kernels/kernels.js';
import { nativeKernels } from '../../../src/tensor/kernels/native.js';
import { randomOperand, tensorOf } from './ops-gradient.js';
import { run, tokenLayout, tokensOf } from './token-layout.js';

const BATCHES = {
  'one sequence': [run(0, 300)],
  'sequences of one chunk': [run(0, 64), run(64, 1), run(65, 17)],
  'answers to shared prompts, and another sequence': [
    ...[run(0, 130), run(130, 200, 0), run(330, 1, 0), run(331, 64)],
    ...[run(395, 65, 3), run(460, 70, 2), run(530, 90, 0), run(620, 40)],
  ],
};

interface Heads {
  readonly keyHeads: number;
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
}

/** Decays from none to e^−40 a token. */
const DECAYS = { mean: -1, std: 1 };

/** o, dq, dk, dv, dg, dβ */
function results(
  kernels: LayerKernels,
  { keyHeads, valueHeads, keyDim, valueDim }: Heads,
  runs: (typeof BATCHES)['one sequence'],
): Float32Array[] {
  const tokens = tokensOf(runs);
  const layout = tokenLayout(runs);
  const input = (name: string, shape: number[], form = {}) =>
    tensorOf(randomOperand(name, shape, form));
  const keys = [tokens, keyHeads, keyDim];
  const rows = {
    q: input('q', keys, { std: keyDim ** -0.5 }),
    k: input('k', keys, { std: keyDim ** -0.5 }),
    v: input('v', [tokens, valueHeads, valueDim]),
    g: tf.exp(input('g', [tokens, valueHeads], DECAYS)).neg(),
    beta: tf.sigmoid(input('beta', [tokens, valueHeads])),
  };
  const [o, ...saved] = kernels.deltaRule(rows, layout);
  const dy = input('dy', [tokens, valueHeads * valueDim]);
  const gradients = kernels.deltaRuleGradient({ rows, saved, dy }, layout);
  return [o!, ...gradients].map((x) => x.dataSync() as Float32Array);
}

const norm = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function gap(actual: Float32Array, expected: Float32Array): number {
  return norm(actual.map((value, i) => value - expected[i]!)) / norm(expected);
}

const CASES: Heads[] = [
  { keyHeads: 2, valueHeads: 2, keyDim: 64, valueDim: 64 },
  { keyHeads: 2, valueHeads: 6, keyDim: 40, valueDim: 24 },
  // As in Qwen 3.5.
  { keyHeads: 1, valueHeads: 2, keyDim: 128, valueDim: 128 },
];

describe.skipIf(!hasNativeOps()).each(Object.entries(BATCHES))('%s', (_, runs) => {
  test.each(CASES)('%o', (heads) => {
    tf.tidy(() => {
      const expected = results(composedKernels, heads, runs);
      for (const [i, values] of results(nativeKernels, heads, runs).entries()) {
        expect(gap(values, expected[i]!), String(i)).toBeLessThan(5e-6);
      }
    });
  });
});
