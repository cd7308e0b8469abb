import { describe, expect, test } from 'vitest';
import type { TokenRun } from '../../../src/model/token-batch.js';
import { hasNativeOps, shortConvolution, tf } from '../../../src/tensor/index.js';
import { composedKernels } from '../../../src/tensor/kernels/composed.js';
import { nativeKernels } from '../../../src/tensor/kernels/native.js';
import { checkGradients, operand, randomOperand, tensorOf } from './ops-gradient.js';
import { chain, run, tokenLayout } from './token-layout.js';

const [TOKENS, H] = [12, 3];

const BATCHES = {
  'one sequence': [run(0, 12)],
  'packed sequences, some shorter than the kernel': [run(0, 3), run(3, 1), run(4, 6), run(10, 2)],
  'answers to a shared prompt, which is shorter than the kernel': [
    run(0, 2),
    run(2, 4, 0),
    run(6, 1, 0),
    run(7, 5, 2),
  ],
} as const satisfies Record<string, readonly TokenRun[]>;

/** Σ kernel · the last tokens of each token's sequence, the own one by the last number. */
const formula =
  (runs: readonly TokenRun[], taps: number) => (u: Float64Array, kernel: Float64Array) => {
    const out = new Float64Array(u.length);
    for (const [index, { start, length }] of runs.entries()) {
      const sequence = chain(runs, index);
      for (let token = start; token < start + length; token++) {
        const last = sequence.slice(0, sequence.indexOf(token) + 1).slice(-taps);
        for (let h = 0; h < H; h++) {
          out[token * H + h] = last.reduce((sum, other, i) => {
            const tap = taps - last.length + i;
            return sum + kernel[h * taps + tap]! * u[other * H + h]!;
          }, 0);
        }
      }
    }
    return out;
  };

describe.each(Object.entries(BATCHES))('a convolution over %s', (_, runs) => {
  test.each([2, 3, 4])('of %d taps, and its gradients', (taps) => {
    const layout = tokenLayout(runs);
    checkGradients({
      inputs: [randomOperand('u', [TOKENS, H]), randomOperand('kernel', [H, 1, taps])],
      op: (u, kernel) => shortConvolution(u!, kernel!, { layout, trainable: true }),
      formula: formula(runs, taps),
    });
  });

  test('whose kernel is frozen', () => {
    const layout = tokenLayout(runs);
    const kernel = randomOperand('kernel', [H, 1, 3]);
    const values = tf.tensor(Float32Array.from(kernel.values), [H, 1, 3]);
    checkGradients({
      inputs: [operand([TOKENS, H], [...randomOperand('u', [TOKENS, H]).values])],
      op: (u) => shortConvolution(u!, values, { layout, trainable: false }),
      formula: (u) => formula(runs, 3)(u, kernel.values),
    });
  });
});

/** More channels than a thread takes at once. */
test.skipIf(!hasNativeOps())('over many channels, compiled and composed', () => {
  tf.tidy(() => {
    const layout = tokenLayout(
      BATCHES['answers to a shared prompt, which is shorter than the kernel'],
    );
    const [u, dy, kernel] = [
      [TOKENS, 603],
      [TOKENS, 603],
      [603, 1, 4],
    ].map((shape, i) => tensorOf(randomOperand(String(i), shape)));
    const [compiled, composed] = [nativeKernels, composedKernels].map((kernels) => [
      kernels.convolution(u!, kernel!, layout),
      ...kernels.convolutionGradient({ dy: dy!, kernel: kernel!, u: u! }, layout),
    ]);
    for (const [i, tensor] of compiled!.entries()) {
      expect(tensor!.dataSync()).toBeAllclose(composed![i]!.dataSync(), { rtol: 1e-5, atol: 1e-5 });
    }
  });
});
