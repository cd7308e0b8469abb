/**
 * The gated delta rule by batched products, of chunks of tokens (Yang et al. 2024, Parallelizing Linear Transformers
 * with the Delta Rule; Yang et al. 2025, Gated Delta Networks, for the decay): with c the sums of g in a chunk,
 * D_ij = exp(c_i − c_j) for j ≤ i, and T the inverse of I + strictly lower (βk·kᵀ ⊙ D), the corrections of a chunk are
 * u = T·βv − T·(βk·exp(c))·S, its results q·exp(c)·S + (q·kᵀ ⊙ D)·u, and the state behind it exp(c_C)·S +
 * (k·w)ᵀ·u, w = exp(c_C − c). What does not need S is computed of all chunks at once.
 *
 * The gradient goes through the chunks from the last ones; what it does not need dS' for, that to the state behind a
 * chunk, is of all at once again:
 *   y = Tᵀ·(q·kᵀ ⊙ D)ᵀ·do + Tᵀ·(k·w)·dS', the gradient to β(v − exp(c)·k·S),
 *   dS = exp(c_C)·dS' + (q·exp(c))ᵀ·do − (βk·exp(c))ᵀ·y,
 *   M = do·uᵀ ⊙ D, N = y·uᵀ ⊙ D below the diagonal,
 *   dq = exp(c)·do·Sᵀ + M·k,   dr = −(exp(c)·y·Sᵀ + N·k), the gradient to βk where it reads,
 *   dw = w·u·dS'ᵀ + Mᵀ·q − Nᵀ·βk, the gradient to k where it is written,
 *   dk = β·dr + dw,   dv = β·y,   dβ = y·v + k·dr.
 * Wherever c_i stands, exp(c_i) multiplies a query or a key that reads, or exp(−c_i) a key that is written, and exp(c_C)
 * all of the state behind, so that dc = q·dq + βk·dr − k·dw, and for a chunk's last token S'·dS' besides.
 */
import { rowsAt } from '../ops/gather.js';
import type { ChunkLayout, ChunkLevel, TokenLayout } from '../ops/layout.js';
import { padded } from '../ops/slice.js';
import { unitLowerInverse } from '../ops/unit-lower-inverse.js';
import { type Tensor, tf } from '../tf.js';
import type { DeltaGradientInputs, DeltaRows } from './kernels.js';

/** `[T, heads, D]` → `[N, heads·copies, C, D]`, each head that many times in a row, zeros where there is no token. */
function byHead(x: Tensor, { tokens, size }: ChunkLayout, copies = 1): Tensor {
  const [, heads, dim] = x.shape as [number, number, number];
  return tf.tidy(() => {
    const all = tf.concat([x, tf.fill([1, heads, dim], 0)], 0);
    const rows = rowsAt(all, tokens, 'float32').reshape([-1, size, heads, dim]);
    const each = tf.transpose(rows, [0, 2, 1, 3]);
    if (copies === 1) return each;
    const wide = each.reshape([-1, heads, 1, size * dim]).mul(tf.fill([1, 1, copies, 1], 1));
    return wide.reshape([-1, heads * copies, size, dim]);
  });
}

/** The way back, of a gradient; sums over the copies. @returns `[T, heads, D]` */
function byToken(x: Tensor, { places, size }: ChunkLayout, copies = 1): Tensor {
  const [, wide, , dim] = x.shape as [number, number, number, number];
  const heads = wide / copies;
  return tf.tidy(() => {
    const each = copies === 1 ? x : x.reshape([-1, heads, copies, size * dim]).sum(2);
    const rows = tf.transpose(each.reshape([-1, heads, size, dim]), [0, 2, 1, 3]);
    return rowsAt(rows.reshape([-1, heads, dim]), places, 'float32');
  });
}

/** Of each chunk and value head, `[N, heads, C, …]`. */
interface Chunks {
  /** `[…, keyDim]` */
  readonly q: Tensor;
  readonly k: Tensor;
  /** `[…, valueDim]` */
  readonly v: Tensor;
  /** β, exp(c) and w, `[…, 1]` */
  readonly rates: Tensor;
  readonly grown: Tensor;
  readonly writes: Tensor;
  /** D, `[…, C]` */
  readonly decays: Tensor;
  /** exp(c_C), `[N, heads, 1, 1]` */
  readonly decay: Tensor;
  /** βk, `[…, keyDim]` */
  readonly rated: Tensor;
}

function chunksOf({ q, k, v, g, beta }: DeltaRows, layout: ChunkLayout): Chunks {
  const { size, triangles } = layout;
  const [heads, copies] = [v.shape[1]!, v.shape[1]! / k.shape[1]!];
  const column = (x: Tensor) => byHead(x.expandDims(2), layout);
  const rates = column(beta);
  const across = tf.cumsum(column(g).reshape([-1, heads, 1, size]), 3);
  const sums = across.reshape(rates.shape);
  const decays = tf.tidy(() => {
    const { lower } = triangles;
    // Above the diagonal the difference may be so large that exp overflows.
    return tf.exp(sums.sub(across).mul(lower)).mul(lower);
  });
  const last = tf.slice(sums, [0, 0, size - 1, 0], [-1, -1, 1, 1]);
  const keys = byHead(k, layout, copies);
  return {
    q: byHead(q, layout, copies),
    k: keys,
    v: byHead(v, layout),
    rates,
    grown: tf.exp(sums),
    writes: tf.exp(last.sub(sums)),
    decays,
    decay: tf.exp(last),
    rated: keys.mul(rates),
  };
}

/** x·kᵀ ⊙ D */
const products = (x: Tensor, { k, decays }: Chunks): Tensor =>
  tf.tidy(() => tf.matMul(x, k, false, true).mul(decays));

/** Of so many chunks from one on. */
const some = (x: Tensor, from: number, count: number): Tensor =>
  from === 0 && count === x.shape[0]
    ? x
    : tf.slice(x, [from, 0, 0, 0], [count, ...x.shape.slice(1)] as never);

/** Chunks that stand between zeros. */
function amongZeros(x: Tensor, before: number, behind: number): Tensor {
  if (before === 0 && behind === 0) return x;
  return padded(x, [
    [before, behind],
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
}

const joined = (parts: Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : tf.concat(parts, 0));

interface Level extends ChunkLevel {
  /** Chunks before this level. */
  readonly at: number;
}

function levelsOf({ levels }: ChunkLayout): Level[] {
  let at = 0;
  return levels.map((level) => {
    const own = { ...level, at };
    at += level.count;
    return own;
  });
}

/** x (+ the other). */
const plus = (x: Tensor, other: Tensor | null | undefined): Tensor => (other ? x.add(other) : x);

/** A tidy of two. */
const pair = (make: () => [Tensor, Tensor | null]): [Tensor, Tensor | null] =>
  tf.tidy(make as never) as never;

/** u of all chunks, and the states before those that go on from another one; null where none does. */
function corrections(chunks: Chunks, t: Tensor, layout: ChunkLayout): [Tensor, Tensor | null] {
  const { rates, v, rated, grown, k, writes, decay } = chunks;
  const fresh = tf.tidy(() => tf.matMul(t, v.mul(rates)));
  if (layout.levels.length === 1) return [fresh, null];
  const removal = tf.tidy(() => tf.matMul(t, rated.mul(grown)));
  const written = k.mul(writes);
  const [us, befores]: [Tensor[], Tensor[]] = [[], []];
  let behind: Tensor | null = null;
  for (const { count, continued, from, at } of levelsOf(layout)) {
    const before: Tensor | null =
      behind === null || from === null ? behind : rowsAt(behind, from, 'float32');
    const removed =
      before && tf.tidy(() => tf.matMul(some(removal, at, count), before).neg() as Tensor);
    const u = plus(some(fresh, at, count), removed);
    us.push(u);
    if (before !== null) befores.push(before);
    if (continued === 0) break;
    behind = tf.tidy((): Tensor => {
      const added = tf.matMul(some(written, at, continued), some(u, 0, continued), true, false);
      const kept: Tensor | null =
        before && some(before, 0, continued).mul(some(decay, at, continued));
      return plus(added, kept);
    });
  }
  return [joined(us), joined(befores)];
}

/** x·Sᵀ of every chunk, or x·S, zeros where there is no state before it. @param x `[N, heads, C, …]` */
function timesStates(x: Tensor, states: Tensor, transposed: boolean): Tensor {
  const first = x.shape[0]! - states.shape[0]!;
  return tf.tidy(() => {
    const reads = some(x, first, states.shape[0]!);
    return amongZeros(tf.matMul(reads, states, false, transposed), first, 0);
  });
}

/** @returns o `[T, valueHeads · valueDim]`; T, u, and the states before chunks that go on from another one */
export function composedDelta(rows: DeltaRows, layouts: TokenLayout): Tensor[] {
  const layout = layouts.chunks();
  return tf.tidy(() => {
    const chunks = chunksOf(rows, layout);
    const t = tf.tidy(() => unitLowerInverse(products(chunks.rated, chunks), layout.triangles));
    const [u, states] = pair(() => corrections(chunks, t, layout));
    const o = tf.tidy(() => {
      const own = tf.matMul(products(chunks.q, chunks), u);
      const read = states && timesStates(chunks.q.mul(chunks.grown), states, false);
      return byToken(plus(own, read), layout);
    });
    const flat = o.reshape([o.shape[0]!, -1]);
    return states === null ? [flat, t, u] : [flat, t, u, states];
  });
}

/**
 * y of all chunks, and dS' of those before the last level; null where that is the only one.
 * @param d do, by head
 */
function throughLevels(
  chunks: Chunks,
  { t, d }: { readonly t: Tensor; readonly d: Tensor },
  layout: ChunkLayout,
): [Tensor, Tensor | null] {
  const { q, k, rated, grown, writes, decay } = chunks;
  const own = tf.tidy(() =>
    tf.matMul(t, tf.matMul(products(q, chunks), d, true, false), true, false),
  );
  if (layout.levels.length === 1) return [own, null];
  const solved = tf.tidy(() => tf.matMul(t, k.mul(writes), true, false));
  const [reads, removals] = [q.mul(grown), rated.mul(grown)];
  const levels = levelsOf(layout);
  const [ys, slopes]: [Tensor[], Tensor[]] = [[], []];
  for (let i = levels.length - 1; i >= 0; i--) {
    const { count, from, at } = levels[i]!;
    const slope = slopes[0] ?? null;
    const answer = slope && tf.tidy(() => tf.matMul(some(solved, at, count), slope));
    const y = plus(some(own, at, count), answer);
    ys.unshift(y);
    if (i === 0) break;
    const former = levels[i - 1]!.count;
    const behind = tf.tidy(() => {
      const read = tf.matMul(some(reads, at, count), some(d, at, count), true, false);
      const removed = tf.matMul(some(removals, at, count), y, true, false);
      const before = plus(read.sub(removed), slope?.mul(some(decay, at, count)));
      return from === null
        ? amongZeros(before, 0, former - count)
        : tf.unsortedSegmentSum(before as never, from as never, former);
    });
    slopes.unshift(behind);
  }
  return [joined(ys), joined(slopes)];
}

/** @param saved As `composedDelta` gave it. @returns dq, dk, dv, dg, dβ */
export function composedDeltaGradient(
  { rows, saved, dy }: DeltaGradientInputs,
  layouts: TokenLayout,
): Tensor[] {
  const layout = layouts.chunks();
  const [t, u, states = null] = saved as [Tensor, Tensor, Tensor?];
  return tf.tidy(() => {
    const chunks = chunksOf(rows, layout);
    const { q, k, v, rates, grown, writes, decays, decay, rated } = chunks;
    const d = byHead(dy.reshape(rows.v.shape), layout);
    const [y, slopes] = pair(() => throughLevels(chunks, { t, d }, layout));
    const m = tf.tidy(() => tf.matMul(d, u, false, true).mul(decays));
    const n = tf.tidy(() => tf.matMul(y, u, false, true).mul(decays).mul(layout.triangles.below));
    const read = (x: Tensor) => states && timesStates(x, states, true).mul(grown);
    const dq = tf.tidy(() => plus(tf.matMul(m, k), read(d)));
    const minusDr = tf.tidy(() => plus(tf.matMul(n, k), read(y)));
    const last = layout.levels.at(-1)!.count;
    const sent =
      slopes &&
      tf.tidy(() => {
        const senders = some(u.mul(writes), 0, slopes.shape[0]!);
        return amongZeros(tf.matMul(senders, slopes, false, true), 0, last);
      });
    const dw = tf.tidy(() => {
      const mixed = tf.matMul(m, q, true, false).sub(tf.matMul(n, rated, true, false));
      return plus(mixed, sent);
    });
    const copies = v.shape[1]! / rows.k.shape[1]!;
    const flat = (x: Tensor) => byToken(x, layout).reshape(rows.g.shape);
    return [
      byToken(dq, layout, copies),
      byToken(dw.sub(minusDr.mul(rates)), layout, copies),
      byToken(y.mul(rates), layout),
      tf.tidy(() => {
        const each = dots(q, dq).sub(dots(rated, minusDr)).sub(dots(k, dw));
        const behind = tf.cumsum(each.reshape([...each.shape.slice(0, 2), 1, -1]), 3, false, true);
        const own = behind.reshape(each.shape);
        if (slopes === null || states === null || sent === null) return flat(own);
        const ending = dots(k, sent).sum(2, true);
        return flat(own.add(ending.add(kept({ states, slopes, decay }, layout))));
      }),
      tf.tidy(() => flat(dots(y, v).sub(dots(k, minusDr)))),
    ];
  });
}

const dots = (x: Tensor, y: Tensor): Tensor => tf.tidy(() => x.mul(y).sum(-1, true));

/** exp(c_C)·S·dS', which is what S'·dS' has beside what the chunk writes; `[N, heads, 1, 1]` */
function kept(
  { states, slopes, decay }: Readonly<Record<'states' | 'slopes' | 'decay', Tensor>>,
  { levels }: ChunkLayout,
): Tensor {
  const [first, last] = [levels[0]!.count, levels.at(-1)!.count];
  const both = states.shape[0]! - last;
  if (both === 0) return decay.mul(0);
  const sums = some(states, 0, both)
    .mul(some(slopes, first, both))
    .sum([2, 3], true);
  return amongZeros(sums, first, last).mul(decay);
}
