import { describe, expect, test } from 'vitest';
import { chunkLayout, chunkSize, disposeChunks } from '../../../src/model/chunk-layout.js';
import type { TokenRun } from '../../../src/model/token-batch.js';
import {
  gatedDeltaRule,
  type Tensor,
  type TokenLayout,
  tf,
  trianglesOf,
} from '../../../src/tensor/index.js';
import { unitLowerInverse } from '../../../src/tensor/ops/unit-lower-inverse.js';
import { checkGradients, randomOperand, tensorOf } from './ops-gradient.js';
import { run, tokenLayout, tokensOf } from './token-layout.js';

/** Key heads, value heads, and sizes of a head of each. */
const [KEYS, VALUES, K, V] = [2, 4, 3, 2];

/** Small: a formula is called twice for each of its inputs' numbers. */
const BATCHES = {
  'one sequence': [run(0, 9)],
  'packed sequences': [run(0, 3), run(3, 1), run(4, 5)],
  'answers to a shared prompt': [run(0, 3), run(3, 4, 0), run(7, 1, 0), run(8, 5, 2), run(13, 2)],
} as const satisfies Record<string, readonly TokenRun[]>;

/** Long: sequences of several chunks, that fork in different ones. */
const LONG = [
  run(0, 130),
  run(130, 200, 0),
  run(330, 1, 0),
  run(331, 64),
  run(395, 65, 3),
  run(460, 70, 2),
];

/** Token by token, as `torch_recurrent_gated_delta_rule` of transformers. */
const formula =
  (runs: readonly TokenRun[]) =>
  (...inputs: Float64Array[]) => {
    const [q, k, v, g, beta] = inputs as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const out = new Float64Array(v.length);
    const ends: Float64Array[] = [];
    for (const { start, length, prefix } of runs) {
      const state = prefix < 0 ? new Float64Array(VALUES * K * V) : ends[prefix]!.slice();
      for (let t = start; t < start + length; t++) {
        for (let head = 0; head < VALUES; head++) {
          const shared = (t * KEYS + Math.floor(head / (VALUES / KEYS))) * K;
          const at = (i: number, j: number) => (head * K + i) * V + j;
          const decay = Math.exp(g[t * VALUES + head]!);
          for (let i = 0; i < K; i++) for (let j = 0; j < V; j++) state[at(i, j)]! *= decay;
          for (let j = 0; j < V; j++) {
            let known = 0;
            for (let i = 0; i < K; i++) known += k[shared + i]! * state[at(i, j)]!;
            const delta = beta[t * VALUES + head]! * (v[(t * VALUES + head) * V + j]! - known);
            for (let i = 0; i < K; i++) state[at(i, j)]! += k[shared + i]! * delta;
            let read = 0;
            for (let i = 0; i < K; i++) read += q[shared + i]! * state[at(i, j)]!;
            out[(t * VALUES + head) * V + j] = read;
          }
        }
      }
      ends.push(state);
    }
    return out;
  };

const operandsOf = (tokens: number) => [
  randomOperand('q', [tokens, KEYS, K], { std: 0.6 }),
  randomOperand('k', [tokens, KEYS, K], { std: 0.4 }),
  randomOperand('v', [tokens, VALUES, V]),
  randomOperand('g', [tokens, VALUES], { mean: -0.2, std: 0.05 }),
  randomOperand('beta', [tokens, VALUES], { mean: 0.5, std: 0.1 }),
];

const ruleOver =
  (layout: TokenLayout) =>
  (...rows: Tensor[]) => {
    const [q, k, v, g, beta] = rows as [Tensor, Tensor, Tensor, Tensor, Tensor];
    return gatedDeltaRule({ q, k, v, g, beta }, layout);
  };

describe('the gated delta rule', () => {
  test.each(Object.entries(BATCHES))('over %s, and its gradients', (_, runs) => {
    checkGradients({
      inputs: operandsOf(tokensOf(runs)),
      op: ruleOver(tokenLayout(runs)),
      formula: formula(runs),
      tolerance: 1e-4,
    });
  });

  test('over sequences of many chunks', () => {
    const layout = tokenLayout(LONG);
    expect(layout.chunks().levels.map(({ count }) => count)).toEqual([2, 2, 2, 2, 2, 2, 1]);
    const operands = operandsOf(tokensOf(LONG));
    const expected = formula(LONG)(...operands.map(({ values }) => values));
    tf.tidy(() => {
      const found = ruleOver(layout)(...operands.map(tensorOf)).dataSync();
      expect(found).toBeAllclose(expected, { rtol: 1e-4, atol: 1e-5 });
    });
  });

  /** Each sequence by itself is the reference: what differs is only how chunks stand to each other. */
  test('gradients over sequences of many chunks are those of each by itself', () => {
    const sequences = [150, 64, 3, 100];
    const starts = sequences.map((_, i) => sequences.slice(0, i).reduce((a, b) => a + b, 0));
    const operands = operandsOf(sequences.reduce((a, b) => a + b, 0));
    const gradientsOf = (runs: readonly TokenRun[], inputs: Tensor[]) =>
      tf.grads(ruleOver(tokenLayout(runs)))(inputs, tf.fill([tokensOf(runs), VALUES * V], 1));
    tf.tidy(() => {
      const inputs = operands.map(tensorOf);
      const packed = gradientsOf(
        sequences.map((length, i) => run(starts[i]!, length)),
        inputs,
      );
      const apart = sequences.map((length, i) =>
        gradientsOf(
          [run(0, length)],
          inputs.map((x) => tf.slice(x, starts[i]!, length)),
        ),
      );
      for (const [i, grad] of packed.entries()) {
        const joined = tf.concat(apart.map((grads) => grads[i]!));
        expect(grad.dataSync()).toBeAllclose(joined.dataSync(), { rtol: 1e-4, atol: 1e-4 });
      }
    });
  });
});

test('the inverse of a triangle of ones has ones below the diagonal only, whatever its powers', () => {
  const size = 64;
  tf.tidy(() => {
    const ones = tf.fill([1, size, size], 1);
    const triangles = trianglesOf(size, (values) => tf.tensor2d(values, [size, size]));
    const inverse = unitLowerInverse(ones, triangles).dataSync();
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        expect(inverse[i * size + j]).toBe(i === j ? 1 : i === j + 1 ? -1 : 0);
      }
    }
  });
});

test('a chunk is no longer than the longest run needs', () => {
  expect([1, 2, 3, 33, 64, 65, 1000].map(chunkSize)).toEqual([1, 2, 4, 64, 64, 64, 64]);
});

test('what a layout holds is freed with it', () => {
  const before = tf.memory().numTensors;
  disposeChunks(chunkLayout(LONG));
  expect(tf.memory().numTensors).toBe(before);
});
