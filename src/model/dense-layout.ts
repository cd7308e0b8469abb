/** Runs of tokens → rectangles of queries and keys with a mask (see `DenseLayout`). */
import { type DenseLayout, type QueryBand, tf } from '../tensor/index.js';
import { runBases, type TokenRun } from './token-batch.js';

const BLOCKED = -1e9;

/** Tokens of a run's sequence up to its end: those of its prefixes, then its own. */
function chainOf(runs: readonly TokenRun[], index: number): number[] {
  const { start, length, prefix } = runs[index]!;
  const own = Array.from({ length }, (_, i) => start + i);
  return prefix < 0 ? own : [...chainOf(runs, prefix), ...own];
}

const isRectangle = (runs: readonly TokenRun[]): boolean =>
  runs.every(({ length, prefix }) => prefix < 0 && length === runs[0]!.length);

/** Places of a band; shorter ones compute less for nothing, longer ones have larger products. */
export const BAND = 128;

/** Writes zeros where the query at a place of a row sees keys. */
type Opener = (mask: Float32Array, row: number, place: number, offset: number) => void;

function bandsOf(
  size: { readonly rows: number; readonly queries: number; readonly keys: number },
  /** The most keys that a query at this place, or before it, sees. */
  seenBy: (place: number) => number,
  open: Opener,
): QueryBand[] {
  const bands: QueryBand[] = [];
  for (let from = 0; from < size.queries; from += BAND) {
    const to = Math.min(from + BAND, size.queries);
    const keys = Math.min(size.keys, seenBy(to - 1));
    const mask = new Float32Array(size.rows * (to - from) * keys).fill(BLOCKED);
    for (let row = 0; row < size.rows; row++) {
      for (let place = from; place < to; place++) {
        open(mask, row, place, (row * (to - from) + place - from) * keys);
      }
    }
    const tensor = tf.keep(tf.tensor4d(mask, [size.rows, 1, to - from, keys]));
    bands.push({ from, to, keys, mask: tensor });
  }
  return bands;
}

const openUpTo = (mask: Float32Array, offset: number, position: number, window: number | null) =>
  mask.fill(
    0,
    offset + (window === null ? 0 : Math.max(0, position - window + 1)),
    offset + position + 1,
  );

/** The caller disposes the tensors. */
export function denseLayout(runs: readonly TokenRun[], window: number | null): DenseLayout {
  if (isRectangle(runs)) return rectangle(runs.length, runs[0]!.length, window);
  const bases = runBases(runs);
  const queries = Math.max(...runs.map(({ length }) => length));
  const keys = Math.max(...runs.map(({ length }, i) => bases[i]! + length));
  const queryTokens = new Int32Array(runs.length * queries);
  const keyTokens = new Int32Array(runs.length * keys);
  const places: number[] = [];
  for (const [row, { start, length }] of runs.entries()) {
    keyTokens.set(chainOf(runs, row), row * keys);
    for (let i = 0; i < length; i++) {
      queryTokens[row * queries + i] = start + i;
      places.push(row * queries + i);
    }
  }
  const seenBy = (place: number) =>
    Math.max(...runs.map(({ length }, i) => bases[i]! + Math.min(place + 1, length)));
  const bands = bandsOf(
    { rows: runs.length, queries, keys },
    seenBy,
    (mask, row, place, offset) => {
      if (place < runs[row]!.length) openUpTo(mask, offset, bases[row]! + place, window);
    },
  );
  return {
    rows: runs.length,
    queries,
    keys,
    queryTokens: tf.keep(tf.tensor1d(queryTokens, 'int32')),
    keyTokens: tf.keep(tf.tensor1d(keyTokens, 'int32')),
    places: tf.keep(tf.tensor1d(places, 'int32')),
    bands,
  };
}

function rectangle(rows: number, length: number, window: number | null): DenseLayout {
  const size = { rows: 1, queries: length, keys: length };
  const bands = bandsOf(
    size,
    (place) => place + 1,
    (mask, _, place, offset) => {
      openUpTo(mask, offset, place, window);
    },
  );
  const same = { queryTokens: null, keyTokens: null, places: null };
  return { rows, queries: length, keys: length, ...same, bands };
}
