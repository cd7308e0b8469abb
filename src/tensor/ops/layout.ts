/** How the tokens of a flat batch stand to each other, as the operations on them want it. */
import type { Tensor } from '../tf.js';
import type { Triangles } from './unit-lower-inverse.js';

/**
 * A batch as B rectangles of queries against keys, for attention without our own operations: rows
 * are padded, and tokens of a shared prefix stand among the keys of each run that goes on from it.
 */
export interface DenseLayout {
  readonly rows: number;
  /** Queries in a row, padding included. */
  readonly queries: number;
  /** Keys in a row, padding included. */
  readonly keys: number;
  /** int32 `[B·Sq]`, the token of each query; null when tokens and queries are the same. */
  readonly queryTokens: Tensor | null;
  /** int32 `[B·Sk]`, the token of each key; null when keys stand where queries do. */
  readonly keyTokens: Tensor | null;
  /** int32 `[T]`, the place of each token among the queries; null as `queryTokens` is. */
  readonly places: Tensor | null;
  /** All queries, cut into runs of places. */
  readonly bands: readonly QueryBand[];
}

/** Queries at the places `from` up to, not including, `to`, none of which sees more than the first `keys`. */
export interface QueryBand {
  readonly from: number;
  readonly to: number;
  readonly keys: number;
  /** Additive, `[1 or B, 1, to − from, keys]`: 0 where a query may look, very negative elsewhere. */
  readonly mask: Tensor;
}

/**
 * A batch as N chunks of C places, for what goes from token to token by a state. A run begins a chunk of its own; places
 * behind its end are empty. A chunk goes on from another one, or begins a sequence.
 */
export interface ChunkLayout {
  /** C, a power of 2. */
  readonly size: number;
  /** int32 `[N·C]`, the token of each place; T where there is none. */
  readonly tokens: Tensor;
  /** int32 `[T]`, the place of each token. */
  readonly places: Tensor;
  /** `[C, C]` each. */
  readonly triangles: Triangles;
  /** Chunks in order: those of a level go on from those of the level before; those of the first begin. */
  readonly levels: readonly ChunkLevel[];
}

export interface ChunkLevel {
  readonly count: number;
  /** So many of them, the first ones, does another chunk go on from. */
  readonly continued: number;
  /** int32 `[count]`, which chunk of the level before each goes on from; null where each does from its own place. */
  readonly from: Tensor | null;
}

export interface TokenLayout {
  /** int32 `[T]`, the position of each token in its sequence. */
  readonly positions: Tensor;
  /** int32 `[n, 3]`: start, length, index of the prefix or −1. */
  readonly segments: Tensor;
  /** int32 `[T]`, the token that many before each in its sequence; T where there is none. @param distance At least 1 */
  before(distance: number): Tensor;
  chunks(): ChunkLayout;
  /** For a window in tokens, or null for all. */
  dense(window: number | null): DenseLayout;
}
