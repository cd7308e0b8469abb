import { describe, expect, test } from 'vitest';
import { attention, tf } from '../../../src/tensor/index.js';
import { checkGradients, randomOperand } from './ops-gradient.js';

const [B, H, KV, S, D] = [2, 4, 2, 5, 3];
const BLOCKED = -1e9;

interface Options {
  readonly scale: number;
  readonly softcap: number | null;
  readonly window: number | null;
}

const isVisible = (query: number, key: number, window: number | null) =>
  key <= query && (window === null || query - key < window);

/** One query of one head: softmax over the keys it sees, then the mean of their values. */
function attend(
  q: Float64Array,
  keys: readonly Float64Array[],
  values: readonly Float64Array[],
  { scale, softcap }: Options,
): Float64Array {
  const scores = keys.map((key) => {
    const raw = scale * key.reduce((sum, value, i) => sum + value * q[i]!, 0);
    return softcap === null ? raw : softcap * Math.tanh(raw / softcap);
  });
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return new Float64Array(D).map((_, i) =>
    weights.reduce((sum, weight, j) => sum + (weight / total) * values[j]![i]!, 0),
  );
}

const formula = (options: Options) => (q: Float64Array, k: Float64Array, v: Float64Array) => {
  const out = new Float64Array(q.length);
  const row = (of: Float64Array, index: number) => of.subarray(index * D, (index + 1) * D);
  for (let index = 0; index < B * H * S; index++) {
    const [query, head] = [index % S, Math.floor(index / S) % H];
    const batch = Math.floor(index / (S * H));
    const first = (batch * KV + Math.floor(head / (H / KV))) * S;
    const seen = Array.from({ length: S }, (_, key) => key).filter((key) =>
      isVisible(query, key, options.window),
    );
    const pick = (of: Float64Array) => seen.map((key) => row(of, first + key));
    out.set(attend(row(q, index), pick(k), pick(v), options), index * D);
  }
  return out;
};

function maskOf(window: number | null) {
  const values = Array.from({ length: S * S }, (_, i) =>
    isVisible(Math.floor(i / S), i % S, window) ? 0 : BLOCKED,
  );
  return tf.tensor4d(values, [1, 1, S, S]);
}

function check(options: Options, std: number, tolerance = 1e-5): void {
  const mask = maskOf(options.window);
  checkGradients({
    inputs: [
      randomOperand('q', [B, H, S, D], { std }),
      randomOperand('k', [B, KV, S, D], { std }),
      randomOperand('v', [B, KV, S, D]),
    ],
    op: (q, k, v) => attention(q!, k!, v!, { ...options, mask }),
    formula: formula(options),
    tolerance,
  });
  mask.dispose();
}

describe('gradients of causal attention with grouped queries', () => {
  test.each([
    { name: 'plain', scale: 0.6, softcap: null, window: null },
    { name: 'window of 2', scale: 0.6, softcap: null, window: 2 },
    { name: 'window of 1: only itself', scale: 0.6, softcap: null, window: 1 },
    { name: 'soft cap', scale: 0.6, softcap: 1.5, window: null },
    { name: 'soft cap and window', scale: 1.2, softcap: 3, window: 3 },
  ])('$name', (options) => check(options, 1));

  test('scores of some hundreds, where the softmax picks one key', () => {
    // A score of 400 has 3e-5 between neighbours in float32, which is its relative error after exp.
    check({ scale: 1, softcap: null, window: null }, 12, 1e-4);
  });

  test('scores far beyond the soft cap', () => {
    check({ scale: 1, softcap: 2, window: null }, 12);
  });
});

test('equal scores give the mean of the values seen', () => {
  // Queries of zeros: position t averages values 0 … t, each position's value being t.
  tf.tidy(() => {
    const zeros = tf.zeros([1, 1, S, D]);
    const v = tf.tensor4d(
      Array.from({ length: S * D }, (_, i) => Math.floor(i / D)),
      [1, 1, S, D],
    );
    const y = attention(zeros, zeros, v, { scale: 1, softcap: null, mask: maskOf(null) });
    const means = Array.from({ length: S * D }, (_, i) => Math.floor(i / D) / 2);
    expect(y.dataSync()).toBeAllclose(means);
  });
});
