/** Runs of tokens → rectangles of queries and keys with a mask (see `DenseLayout`). */
import {
  type DenseLayout,
  indicesOnDevice,
  type QueryBand,
  type Tensor,
  tf,
} from '../tensor/index.js';
import { largest } from '../util/numbers.js';
import { runBases, type TokenRun } from './token-batch.js';

/** What keys that are not to be seen are behind by. */
const FAR = 1e9;

/** Tokens of a run's sequence up to its end: those of its prefixes, then its own. */
function chainOf(runs: readonly TokenRun[], index: number): number[] {
  const { start, length, prefix } = runs[index]!;
  const own = Array.from({ length }, (_, i) => start + i);
  return prefix < 0 ? own : [...chainOf(runs, prefix), ...own];
}

const isRectangle = (runs: readonly TokenRun[]): boolean =>
  runs.every(({ length, prefix }) => prefix < 0 && length === runs[0]!.length);

/** Places of a band on the CPU; shorter ones compute less for nothing, longer ones have larger products. */
const BAND = 128;
/** Bytes of a band's scores on a GPU, which small products would leave idle. */
const SCORES = 256 * 2 ** 20;

interface BandOptions {
  readonly heads: number;
  /** Of all rows, padding included. */
  readonly keys: number;
  readonly isOnGpu: boolean;
}

/** Most queries of a band; a fraction among them. */
export const mostQueries = ({ heads, keys, isOnGpu }: BandOptions): number =>
  isOnGpu ? Math.max(BAND, SCORES / (Float32Array.BYTES_PER_ELEMENT * heads * keys)) : BAND;

/** Queries that attention looks at together. */
export const bandLength = (options: BandOptions): number =>
  2 ** Math.floor(Math.log2(mostQueries(options)));

interface Rectangle {
  readonly rows: number;
  readonly queries: number;
  readonly keys: number;
}

/** Position of a place without a token: no key is before it. */
const PADDING = -1;

/** @param positions Of the queries in their sequences, `[rows · queries]`, or `[queries]` for all rows. */
function bandsOf(
  { queries }: Rectangle,
  positions: readonly number[],
  { window, band }: LayoutOptions,
): QueryBand[] {
  const parts = Array.from({ length: Math.ceil(queries / band) }, (_, i) => {
    const [from, to] = [i * band, Math.min((i + 1) * band, queries)];
    const own = positions.filter((_, place) => place % queries >= from && place % queries < to);
    return { from, to, keys: 1 + own.reduce((most, position) => Math.max(most, position), 0) };
  });
  const masks = tf.tidy(() => {
    const all = tf.tensor4d(positions as number[], [positions.length / queries, 1, queries, 1]);
    return parts.map(({ from, to, keys }) => {
      const own = tf.slice4d(all, [0, 0, from, 0], [-1, 1, to - from, 1]);
      return tf.keep(tf.tidy(() => maskOf(own, keys, window)));
    });
  });
  return parts.map((part, i) => ({ ...part, mask: masks[i]! }));
}

/** 0 where a query may look, very negative elsewhere. @param positions `[R, 1, S, 1]` @returns `[R, 1, S, keys]` */
function maskOf(positions: Tensor, keys: number, window: number | null): Tensor {
  const key = tf.tensor1d(Float32Array.from({ length: keys }, (_, i) => i));
  const isBefore = tf.lessEqual(key, positions);
  const isSeen =
    window === null ? isBefore : tf.logicalAnd(isBefore, tf.greater(key, positions.sub(window)));
  return isSeen.cast('float32').sub(1).mul(FAR);
}

export interface LayoutOptions {
  /** In tokens; null for all. */
  readonly window: number | null;
  /** Queries of a band, as `bandLength` gives them. */
  readonly band: number;
}

/** The caller disposes the tensors. */
export function denseLayout(runs: readonly TokenRun[], options: LayoutOptions): DenseLayout {
  return isRectangle(runs) ? rectangle(runs, options) : padded(runs, options);
}

function rectangle(runs: readonly TokenRun[], options: LayoutOptions): DenseLayout {
  const { length } = runs[0]!;
  const size = { rows: runs.length, queries: length, keys: length };
  const positions = Array.from({ length }, (_, i) => i);
  const same = { queryTokens: null, keyTokens: null, places: null };
  return { ...size, ...same, bands: bandsOf(size, positions, options) };
}

function padded(runs: readonly TokenRun[], options: LayoutOptions): DenseLayout {
  const bases = runBases(runs);
  const queries = largest(runs.map(({ length }) => length));
  const keys = largest(runs.map(({ length }, i) => bases[i]! + length));
  const size = { rows: runs.length, queries, keys };
  const queryTokens = new Int32Array(size.rows * queries);
  const keyTokens = new Int32Array(size.rows * keys);
  const positions = new Array<number>(size.rows * queries).fill(PADDING);
  const places: number[] = [];
  for (const [row, { start, length }] of runs.entries()) {
    keyTokens.set(chainOf(runs, row), row * keys);
    for (let i = 0; i < length; i++) {
      const place = row * queries + i;
      queryTokens[place] = start + i;
      positions[place] = bases[row]! + i;
      places.push(place);
    }
  }
  const isShared = runs.some(({ prefix }) => prefix >= 0);
  return {
    ...size,
    queryTokens: tf.keep(indicesOnDevice(queryTokens)),
    keyTokens: isShared ? tf.keep(indicesOnDevice(keyTokens)) : null,
    places: tf.keep(indicesOnDevice(Int32Array.from(places))),
    bands: bandsOf(size, positions, options),
  };
}
