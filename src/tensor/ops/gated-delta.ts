/**
 * The gated delta rule over a flat batch, on the tape (Yang et al. 2025, Gated Delta Networks): for each token a state
 * is decayed, corrected and read, S ← exp(g)·S, S ← S + k ⊗ β(v − Sᵀk), o = Sᵀq. Tokens are taken in chunks (Yang et al.
 * 2024, Parallelizing Linear Transformers with the Delta Rule): with c the sums of g in a chunk, D_ij = exp(c_i − c_j)
 * for j ≤ i, and T the inverse of I + strictly lower (βk·kᵀ ⊙ D), the corrections of a chunk are
 * u = T·βv − T·(βk·exp(c))·S, its results q·exp(c)·S + (q·kᵀ ⊙ D)·u, and the state behind it exp(c_C)·S +
 * (k·exp(c_C − c))ᵀ·u. What does not need S is computed of all chunks at once.
 */
import { type Tensor, tf } from '../tf.js';
import { gather, rowsAt } from './gather.js';
import type { ChunkLayout, ChunkLevel } from './layout.js';
import { lowerMask, unitLowerInverse } from './unit-lower-inverse.js';

interface DeltaRows {
  /** `[T, keyHeads, keyDim]`, as they are read and written with. */
  readonly q: Tensor;
  readonly k: Tensor;
  /** `[T, valueHeads, valueDim]`; so many value heads in a row as there are for each key head share q and k. */
  readonly v: Tensor;
  /** `[T, valueHeads]`: the logarithm of the decay, and the rate of correction. */
  readonly g: Tensor;
  readonly beta: Tensor;
}

/** Tokens at the places of chunks, zeros where there is none. @param x `[T, …]` @returns `[N·C, …]` */
function toPlaces(x: Tensor, { tokens, places }: ChunkLayout): Tensor {
  return tf.customGrad((input) => ({
    value: tf.tidy(() => rowsAt(withZeros(input as Tensor), tokens, 'float32')),
    gradFunc: (dy: Tensor) => rowsAt(dy, places, 'float32'),
  }))(x);
}

/** The way back. @param x `[N·C, …]` @returns `[T, …]` */
function toTokens(x: Tensor, { tokens, places }: ChunkLayout): Tensor {
  return tf.customGrad((input) => ({
    value: rowsAt(input as Tensor, places, 'float32'),
    gradFunc: (dy: Tensor) => tf.tidy(() => rowsAt(withZeros(dy), tokens, 'float32')),
  }))(x);
}

const withZeros = (x: Tensor): Tensor => tf.concat([x, tf.zeros([1, ...x.shape.slice(1)])], 0);

/** `[T, heads, D]` → `[N, heads·copies, C, D]`, each head that many times in a row */
function byHead(x: Tensor, layout: ChunkLayout, copies: number): Tensor {
  const [, heads, dim] = x.shape as [number, number, number];
  const { size } = layout;
  const rows = toPlaces(x, layout).reshape([-1, size, heads, dim]);
  const each = tf.transpose(rows, [0, 2, 1, 3]);
  if (copies === 1) return each;
  const wide = each.reshape([-1, heads, 1, size * dim]).mul(tf.fill([1, 1, copies, 1], 1));
  return wide.reshape([-1, heads * copies, size, dim]);
}

/** Of each chunk, `[N, heads, C, …]`. */
interface Chunks {
  /** T·βv, `[…, valueDim]` */
  readonly corrections: Tensor;
  /** T·(βk·exp(c)), `[…, keyDim]` */
  readonly removal: Tensor;
  /** q·kᵀ ⊙ D, `[…, C]` */
  readonly scores: Tensor;
  /** q·exp(c), `[…, keyDim]` */
  readonly reads: Tensor;
  /** k·exp(c_C − c), `[…, keyDim]` */
  readonly writes: Tensor;
  /** exp(c_C), `[N, heads, 1, 1]` */
  readonly decay: Tensor;
}

function chunksOf(rows: DeltaRows, layout: ChunkLayout): Chunks {
  const { size } = layout;
  const copies = rows.v.shape[1]! / rows.k.shape[1]!;
  const column = (x: Tensor) => byHead(x.expandDims(2), layout, 1);
  const [queries, keys] = [byHead(rows.q, layout, copies), byHead(rows.k, layout, copies)];
  const rates = column(rows.beta);
  // Along the last axis: tfjs has the gradient of a cumulative sum right there only.
  const across = tf.cumsum(column(rows.g).reshape([-1, rates.shape[1]!, 1, size]), 3);
  const sums = across.reshape(rates.shape);
  const decays = tf.tidy(() => {
    const lower = lowerMask(size, 1);
    // Above the diagonal the difference may be so large that exp overflows.
    return tf.exp(sums.sub(across).mul(lower)).mul(lower);
  });
  const grown = tf.exp(sums);
  const last = sums.slice([0, 0, size - 1, 0], [-1, -1, 1, 1]);
  const rated = keys.mul(rates);
  const t = tf.tidy(() => unitLowerInverse(tf.matMul(rated, keys, false, true).mul(decays)));
  return {
    corrections: tf.tidy(() => tf.matMul(t, byHead(rows.v, layout, 1).mul(rates))),
    removal: tf.tidy(() => tf.matMul(t, rated.mul(grown))),
    scores: tf.tidy(() => tf.matMul(queries, keys, false, true).mul(decays)),
    reads: queries.mul(grown),
    writes: tf.tidy(() => keys.mul(tf.exp(last.sub(sums)))),
    decay: tf.exp(last),
  };
}

/** Of so many chunks from one on. */
const some = (x: Tensor, from: number, count: number): Tensor =>
  from === 0 && count === x.shape[0]
    ? x
    : x.slice([from, 0, 0, 0], [count, ...x.shape.slice(1)] as never);

interface Level {
  readonly results: Tensor;
  /** Behind the chunks that others go on from; null where there is none. */
  readonly states: Tensor | null;
}

/** @param at Chunks before this level @param former States behind the level before; null for the first */
function levelOf(
  chunks: Chunks,
  { count, continued, from }: ChunkLevel,
  at: number,
  former: Tensor | null,
): Level {
  const of = (x: Tensor, length = count) => some(x, at, length);
  const fresh = of(chunks.corrections);
  if (former === null) {
    const results = tf.matMul(of(chunks.scores), fresh);
    if (continued === 0) return { results, states: null };
    const writes = of(chunks.writes, continued);
    return { results, states: tf.matMul(writes, some(fresh, 0, continued), true, false) };
  }
  const before = from === null ? former : gather(former, from);
  const u = fresh.sub(tf.matMul(of(chunks.removal), before));
  const results = tf.matMul(of(chunks.scores), u).add(tf.matMul(of(chunks.reads), before));
  if (continued === 0) return { results, states: null };
  const written = tf.matMul(of(chunks.writes, continued), some(u, 0, continued), true, false);
  const kept = some(before, 0, continued).mul(of(chunks.decay, continued));
  return { results, states: written.add(kept) };
}

/**
 * @param layout Must outlive the backward pass
 * @returns `[T, valueHeads · valueDim]`
 */
export function gatedDeltaRule(rows: DeltaRows, layout: ChunkLayout): Tensor {
  return tf.tidy(() => {
    const chunks = tf.tidy(() => chunksOf(rows, layout) as never) as Chunks;
    const results: Tensor[] = [];
    let states: Tensor | null = null;
    let at = 0;
    for (const level of layout.levels) {
      const made: Level = tf.tidy(() => levelOf(chunks, level, at, states) as never);
      results.push(made.results);
      states = made.states;
      at += level.count;
    }
    const all = results.length === 1 ? results[0]! : tf.concat(results, 0);
    const [, heads, , dim] = all.shape as [number, number, number, number];
    const flat = tf.transpose(all, [0, 2, 1, 3]).reshape([-1, heads * dim]);
    return toTokens(flat, layout);
  });
}
