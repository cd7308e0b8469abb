/** Attention longer than a block, compiled and composed: sums over blocks, parts and heads must be the same. */
import { describe, expect, test } from 'vitest';
import { castTo, hasNativeOps, type Tensor, tf } from '../../../src/tensor/index.js';
import { composedKernels } from '../../../src/tensor/kernels/composed.js';
import type { LayerKernels } from '../../../src/tensor/kernels/kernels.js';
import { nativeKernels } from '../../../src/tensor/kernels/native.js';
import type { ComputeType } from '../../../src/tensor/native/calls.js';
import { randomOperand, tensorOf } from './ops-gradient.js';
import { run, tokenLayout } from './token-layout.js';

const TOKENS = 300;
const D = 40;

const BATCHES = {
  'one sequence': [run(0, TOKENS)],
  'answers to a shared prompt, and another sequence': [
    run(0, 100),
    run(100, 90, 0),
    run(190, 33, 0),
    run(223, 77),
  ],
  'runs that fill no vector of keys or queries': [
    run(0, 1),
    run(1, 17),
    run(18, 39, 1),
    run(57, 72),
    run(129, 9, 3),
    run(138, 129),
    run(267, 33),
  ],
};

interface Case {
  readonly heads: number;
  readonly kvHeads: number;
  readonly softcap: number | null;
  readonly window: number | null;
  /** Of each head; default: none. */
  readonly sinks?: readonly number[];
}

/** Output, dq, dk, dv in float32, and the gradient to sinks where all is. */
function results(
  kernels: LayerKernels,
  type: ComputeType,
  { shape, runs }: { shape: Case; runs: (typeof BATCHES)['one sequence'] },
): Float32Array[] {
  const layout = tokenLayout(runs, { window: shape.window });
  // All sides read the same numbers, those of bfloat16.
  const input = (name: string, width: number): Tensor => {
    const x = castTo(tensorOf(randomOperand(name, [TOKENS, width])), 'float32', 'bfloat16');
    return type === 'bfloat16' ? x : castTo(x, 'bfloat16', 'float32');
  };
  const [q, dy] = [input('q', shape.heads * D), input('dy', shape.heads * D)];
  const [k, v] = [input('k', shape.kvHeads * D), input('v', shape.kvHeads * D)];
  const sinks = shape.sinks === undefined ? null : tf.tensor1d([...shape.sinks]);
  const form = { ...shape, scale: D ** -0.5, sinks };
  const saved = kernels.attention([q, k, v], layout, form);
  const ofSinks = type === 'float32' && sinks !== null;
  const args = { heads: [q, k, v], saved, dy, ofSinks };
  const gradients = kernels.attentionGradient(args, layout, form);
  return [saved[0]!, ...gradients].map((x) => {
    const values = castTo(x, type, 'float32').dataSync();
    return values as Float32Array;
  });
}

function gap(actual: Float32Array, expected: Float32Array): number {
  const norm = Math.hypot(...expected);
  return Math.hypot(...actual.map((value, i) => value - expected[i]!)) / norm;
}

const CASES: Case[] = [
  { heads: 6, kvHeads: 2, softcap: null, window: null },
  { heads: 2, kvHeads: 2, softcap: null, window: 70 },
  { heads: 10, kvHeads: 2, softcap: 2, window: null },
  { heads: 6, kvHeads: 2, softcap: null, window: null, sinks: [0, 3, -3, 12, -60, 1] },
  { heads: 2, kvHeads: 2, softcap: null, window: 70, sinks: [2, 5] },
];

describe.skipIf(!hasNativeOps()).each(Object.entries(BATCHES))('%s', (_, runs) => {
  test.each(CASES)('%o', (shape) => {
    tf.tidy(() => {
      const expected = results(composedKernels, 'float32', { shape, runs });
      const full = results(nativeKernels, 'float32', { shape, runs });
      const half = results(nativeKernels, 'bfloat16', { shape, runs });
      for (const [i, values] of expected.entries()) {
        expect(gap(full[i]!, values)).toBeLessThan(2e-6);
        if (half[i] === undefined) continue;
        // Each product reads numbers of 8 bits: 2⁻⁹ a rounding, independent of one another.
        expect(gap(half[i]!, values)).toBeLessThan(6e-3);
      }
    });
  });
});

/** What is no number in values and gradients of 17 tokens, none of them seen by all, with an infinite key or query. */
function oddPlaces(kernels: LayerKernels, odd: 'q' | 'k'): string[] {
  const layout = tokenLayout([run(0, 17)], { window: 9 });
  const width = 32;
  const [q, k, v, dy] = ['q', 'k', 'v', 'dy'].map((name) => {
    const operand = randomOperand(name, [17, width]);
    if (name === odd) operand.values[8 * width] = Number.POSITIVE_INFINITY;
    return tensorOf(operand);
  }) as [Tensor, Tensor, Tensor, Tensor];
  const form = { heads: 1, kvHeads: 1, window: 9, softcap: 2, scale: 0.2 };
  const saved = kernels.attention([q, k, v], layout, form);
  const gradients = kernels.attentionGradient({ heads: [q, k, v], saved, dy }, layout, form);
  return [saved[0]!, ...gradients].map((x) =>
    Array.from(x.dataSync(), (value) => (Number.isFinite(value) ? '.' : 'x')).join(''),
  );
}

test.skipIf(!hasNativeOps()).each(['q', 'k'] as const)('an infinity in %s', (odd) => {
  tf.tidy(() => {
    expect(oddPlaces(nativeKernels, odd)).toEqual(oddPlaces(composedKernels, odd));
  });
});
