/** Runs of tokens → rectangles of queries and keys with a mask (see `DenseLayout`). */
import { type DenseLayout, tf } from '../tensor/index.js';
import { runBases, type TokenRun } from './token-batch.js';

const BLOCKED = -1e9;

const sees = (query: number, key: number, window: number | null): boolean =>
  key <= query && (window === null || query - key < window);

/** Tokens of a run's sequence up to its end: those of its prefixes, then its own. */
function chainOf(runs: readonly TokenRun[], index: number): number[] {
  const { start, length, prefix } = runs[index]!;
  const own = Array.from({ length }, (_, i) => start + i);
  return prefix < 0 ? own : [...chainOf(runs, prefix), ...own];
}

const isRectangle = (runs: readonly TokenRun[]): boolean =>
  runs.every(({ length, prefix }) => prefix < 0 && length === runs[0]!.length);

/** The caller disposes the tensors. */
export function denseLayout(runs: readonly TokenRun[], window: number | null): DenseLayout {
  if (isRectangle(runs)) return rectangle(runs.length, runs[0]!.length, window);
  const bases = runBases(runs);
  const queries = Math.max(...runs.map(({ length }) => length));
  const keys = Math.max(...runs.map(({ length }, i) => bases[i]! + length));
  const mask = new Float32Array(runs.length * queries * keys).fill(BLOCKED);
  const queryTokens = new Int32Array(runs.length * queries);
  const keyTokens = new Int32Array(runs.length * keys);
  const places: number[] = [];
  for (const [row, { start, length }] of runs.entries()) {
    const chain = chainOf(runs, row);
    keyTokens.set(chain, row * keys);
    for (let i = 0; i < length; i++) {
      queryTokens[row * queries + i] = start + i;
      places.push(row * queries + i);
      const position = bases[row]! + i;
      for (let key = 0; key <= position; key++) {
        if (sees(position, key, window)) mask[(row * queries + i) * keys + key] = 0;
      }
    }
  }
  return {
    rows: runs.length,
    queries,
    keys,
    queryTokens: tf.keep(tf.tensor1d(queryTokens, 'int32')),
    keyTokens: tf.keep(tf.tensor1d(keyTokens, 'int32')),
    places: tf.keep(tf.tensor1d(places, 'int32')),
    mask: tf.keep(tf.tensor4d(mask, [runs.length, 1, queries, keys])),
  };
}

function rectangle(rows: number, length: number, window: number | null): DenseLayout {
  const mask = new Float32Array(length * length).fill(BLOCKED);
  for (let query = 0; query < length; query++) {
    const first = window === null ? 0 : Math.max(0, query - window + 1);
    mask.fill(0, query * length + first, query * length + query + 1);
  }
  return {
    rows,
    queries: length,
    keys: length,
    queryTokens: null,
    keyTokens: null,
    places: null,
    mask: tf.keep(tf.tensor4d(mask, [1, 1, length, length])),
  };
}
