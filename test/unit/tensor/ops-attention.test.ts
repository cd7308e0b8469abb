import { describe, expect, test } from 'vitest';
import type { TokenRun } from '../../../src/model/token-batch.js';
import { attention, tf } from '../../../src/tensor/index.js';
import { checkGradients, randomOperand } from './ops-gradient.js';
import { chain, run, tokenLayout } from './token-layout.js';

const [H, KV, D] = [4, 2, 3];

interface Options {
  readonly scale: number;
  readonly softcap: number | null;
  readonly window: number | null;
  /** Each head has a score that no value goes with. */
  readonly hasSinks?: boolean;
}

/** Batches as runs of tokens; 16 tokens each. */
const BATCHES = {
  'two sequences of one length': [run(0, 8), run(8, 8)],
  'packed sequences': [run(0, 3), run(3, 9), run(12, 1), run(13, 3)],
  'answers to a shared prompt': [run(0, 5), run(5, 4, 0), run(9, 2, 0), run(11, 5)],
  'a prompt that goes on twice': [run(0, 4), run(4, 3, 0), run(7, 6, 1), run(13, 3, 0)],
} as const satisfies Record<string, readonly TokenRun[]>;
const TOKENS = 16;

/** The tokens that each token sees. */
function seenBy(runs: readonly TokenRun[], window: number | null): number[][] {
  return runs.flatMap(({ length }, index) => {
    const tokens = chain(runs, index);
    const first = tokens.length - length;
    return Array.from({ length }, (_, i) =>
      tokens.slice(window === null ? 0 : Math.max(0, first + i + 1 - window), first + i + 1),
    );
  });
}

/** One query of one head: softmax over the keys it sees, then the mean of their values. */
function attend(
  q: Float64Array,
  keys: readonly Float64Array[],
  values: readonly Float64Array[],
  { scale, softcap }: Options,
  sink: number,
): Float64Array {
  const scores = keys.map((key) => {
    const raw = scale * key.reduce((sum, value, i) => sum + value * q[i]!, 0);
    return softcap === null ? raw : softcap * Math.tanh(raw / softcap);
  });
  const top = Math.max(...scores, sink);
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((sum, weight) => sum + weight, Math.exp(sink - top));
  return new Float64Array(D).map((_, i) =>
    weights.reduce((sum, weight, j) => sum + (weight / total) * values[j]![i]!, 0),
  );
}

const formula =
  (runs: readonly TokenRun[], options: Options) =>
  (q: Float64Array, k: Float64Array, v: Float64Array, sinks?: Float64Array) => {
    const out = new Float64Array(q.length);
    const part = (of: Float64Array, heads: number, token: number, head: number) =>
      of.subarray((token * heads + head) * D, (token * heads + head + 1) * D);
    for (const [token, seen] of seenBy(runs, options.window).entries()) {
      for (let head = 0; head < H; head++) {
        const kv = Math.floor(head / (H / KV));
        const pick = (of: Float64Array) => seen.map((key) => part(of, KV, key, kv));
        const sink = sinks?.[head] ?? Number.NEGATIVE_INFINITY;
        const result = attend(part(q, H, token, head), pick(k), pick(v), options, sink);
        out.set(result, (token * H + head) * D);
      }
    }
    return out;
  };

function check(
  runs: readonly TokenRun[],
  options: Options & { readonly band?: number },
  std: number,
  tolerance = 1e-5,
): void {
  const layout = tokenLayout(runs, options);
  checkGradients({
    inputs: [
      randomOperand('q', [TOKENS, H * D], { std }),
      randomOperand('k', [TOKENS, KV * D], { std }),
      randomOperand('v', [TOKENS, KV * D]),
      ...(options.hasSinks ? [randomOperand('sinks', [H], { std: 2 })] : []),
    ],
    op: (q, k, v, sinks) => {
      const shape = { ...options, heads: H, kvHeads: KV, sinks: sinks ?? null };
      return attention({ q: q!, k: k!, v: v! }, layout, shape);
    },
    formula: formula(runs, options),
    tolerance,
  });
}

describe.each(Object.entries(BATCHES))('gradients of attention over %s', (_, runs) => {
  test.each([
    { name: 'plain', scale: 0.6, softcap: null, window: null },
    { name: 'window of 2', scale: 0.6, softcap: null, window: 2 },
    { name: 'window of 1: only itself', scale: 0.6, softcap: null, window: 1 },
    { name: 'soft cap', scale: 0.6, softcap: 1.5, window: null },
    { name: 'soft cap and window', scale: 1.2, softcap: 3, window: 3 },
    { name: 'bands of 3 queries', scale: 0.6, softcap: null, window: null, band: 3 },
    { name: 'bands of 5 and a window', scale: 0.6, softcap: null, window: 3, band: 5 },
    { name: 'sinks', scale: 0.6, softcap: null, window: null, hasSinks: true },
    { name: 'sinks, a window and bands', scale: 1, softcap: 2, window: 3, band: 5, hasSinks: true },
  ])('$name', (options) => check(runs, options, 1));
});

describe('extreme scores', () => {
  const runs = BATCHES['packed sequences'];

  test('of some hundreds, where the softmax picks one key', () => {
    // A score of 400 has 3e-5 between neighbours in float32, which is its relative error after exp.
    check(runs, { scale: 1, softcap: null, window: null }, 12, 1e-4);
  });

  test('far beyond the soft cap', () => {
    check(runs, { scale: 1, softcap: 2, window: null }, 12);
  });
});

test('equal scores give the mean of the values seen', () => {
  // Queries of zeros: position t averages values 0 … t, each position's value being t.
  tf.tidy(() => {
    const zeros = tf.zeros([TOKENS, D]);
    const values = Array.from({ length: TOKENS * D }, (_, i) => Math.floor(i / D));
    const v = tf.tensor2d(values, [TOKENS, D]);
    const shape = { heads: 1, kvHeads: 1, scale: 1, softcap: null, window: null };
    const y = attention({ q: zeros, k: zeros, v }, tokenLayout([run(0, TOKENS)]), shape);
    expect(y.dataSync()).toBeAllclose(values.map((value) => value / 2));
  });
});
