/**
 * Scaled dot-product attention by batched products, softmax(scale·q·kᵀ)·v, in bands of queries, so that keys
 * that no query of a band sees cost nothing. The G query heads of a key head are folded into rows. The
 * probabilities are not kept: the gradient makes them again. With p the probabilities and δ = Σ dy·o:
 * dv = pᵀ·dy, ds = p·(dy·vᵀ − δ), dq = scale·ds·k, dk = scale·dsᵀ·q; a soft cap c·tanh(s/c) multiplies ds by
 * 1 − (s_capped/c)². The keys are scaled, as there are fewer of them than of queries. A sink is one more score of each row
 * without a key, to which ds is −p·δ.
 */
import type { AttentionShape } from '../native/mixer-calls.js';
import { rowsAt } from '../ops/gather.js';
import type { DenseLayout, QueryBand, TokenLayout } from '../ops/layout.js';
import { padded } from '../ops/slice.js';
import { softmaxRows } from '../ops/softmax.js';
import { type Tensor, tf } from '../tf.js';
import { parted } from './half-tensor.js';
import { inShape } from './in-shape.js';
import type { AttentionGradientInputs, Heads } from './kernels.js';

/** `[T, heads·D]` → `[B, heads, S, D]`, by the token of each place where they are not the same. */
function byHead(x: Tensor, tokens: Tensor | null, heads: number, rows: number): Tensor {
  const places = tokens === null ? x : rowsAt(x, tokens, 'float32');
  const dim = x.shape[1]! / heads;
  return tf.transpose(places.reshape([rows, -1, heads, dim]), [0, 2, 1, 3]);
}

/** `[B, heads, S, D]` → `[T, heads·D]` */
function byToken(x: Tensor, places: Tensor | null): Tensor {
  const [rows, heads, length, dim] = x.shape as [number, number, number, number];
  const flat = tf.transpose(x, [0, 2, 1, 3]).reshape([rows * length, heads * dim]);
  return places === null ? flat : rowsAt(flat, places, 'float32');
}

type Each = readonly [q: Tensor, k: Tensor, v: Tensor];

/** `[B, heads, S, D]` of each. Where keys stand at the places of queries, all that is one tensor is laid out at once. */
function eachByHead(inputs: Heads, layout: DenseLayout, shape: AttentionShape): Each {
  const { queryTokens, keyTokens, rows } = layout;
  const { heads, kvHeads } = shape;
  const counts = [heads, kvHeads, kvHeads];
  const all = heads + 2 * kvHeads;
  if (inputs.length === 1 && keyTokens === null) {
    return parted(byHead(inputs[0]!, queryTokens, all, rows), counts, 1) as unknown as Each;
  }
  const widths = counts.map((count) => (count * inputs[0]!.shape[1]!) / all);
  const each = inputs.length === 1 ? parted(inputs[0]!, widths, 1) : inputs;
  return each.map((x, i) =>
    byHead(x, i === 0 ? queryTokens : (keyTokens ?? queryTokens), counts[i]!, rows),
  ) as unknown as Each;
}

/** The way back, to as many tensors as `heads`; a token of a shared prefix stands at several places of keys. */
function headsByToken(each: Each, layout: DenseLayout, heads: Heads): Tensor[] {
  const { places, keyTokens } = layout;
  if (heads.length === 1 && keyTokens === null) {
    return [byToken(tf.concat([...each], 1), places)];
  }
  const tokens = heads[0]!.shape[0]!;
  const parts = each.map((x, i) =>
    i === 0 || keyTokens === null
      ? byToken(x, places)
      : summed(byToken(x, null), keyTokens, tokens),
  );
  return heads.length === 1 ? [tf.concat(parts, 1)] : parts;
}

/** Sums what stands at the places of each token. */
const summed = (x: Tensor, tokens: Tensor, count: number): Tensor =>
  tf.unsortedSegmentSum(x as never, tokens as never, count);

/** As `byHead` of queries, with zeros at the places that no token has. */
function gradientByHead(dy: Tensor, { places, rows, queries }: DenseLayout, heads: number): Tensor {
  if (places === null) return byHead(dy, null, heads, rows);
  return byHead(summed(dy, places, rows * queries), null, heads, rows);
}

/** Places from … to of `[B, heads, S, D]`, folded into `[B, KV, G·(to − from), D]`. */
function bandOf(x: Tensor, { from, to }: QueryBand, kvHeads: number): Tensor {
  const [rows, heads, , dim] = x.shape as [number, number, number, number];
  const isAll = from === 0 && to === x.shape[2];
  const part = isAll ? x : tf.slice4d(x as never, [0, 0, from, 0], [rows, heads, to - from, dim]);
  return inShape(part, [rows, kvHeads, (heads / kvHeads) * (to - from), dim]);
}

const firstKeys = (x: Tensor, { keys }: QueryBand): Tensor => {
  const [rows, heads, all, dim] = x.shape as [number, number, number, number];
  return keys === all ? x : tf.slice4d(x as never, [0, 0, 0, 0], [rows, heads, keys, dim]);
};

interface Scores {
  readonly p: Tensor;
  /** Of the sink, `[B, KV, G·S, 1]`; null without one. */
  readonly lost: Tensor | null;
  /** d capped / d raw; null without a cap. */
  readonly slope: Tensor | null;
}

/** @param k Scaled. */
function probabilities(q: Tensor, k: Tensor, mask: Tensor, shape: AttentionShape): Scores {
  const { softcap: cap, sinks = null } = shape;
  const raw = tf.matMul(q, k, false, true);
  const t = cap === null ? null : tf.tanh(raw.div(cap));
  const s = t === null ? raw : t.mul(cap!);
  const groups = q.shape[2]! / mask.shape[2]!;
  const seen = groups === 1 ? mask : tf.tile(mask, [1, 1, groups, 1]);
  const slope = t === null ? null : tf.square(t).neg().add(1);
  const scores = s.add(seen);
  if (sinks === null) return { p: softmaxRows(scores), lost: null, slope };
  const all = softmaxRows(tf.concat([scores, sinkColumn(sinks, q)], 3));
  const [p, lost] = tf.split(all, [k.shape[2]!, 1], 3) as [Tensor, Tensor];
  return { p, lost, slope };
}

/** The sink of each row of `[B, KV, G·S, D]`, `[B, KV, G·S, 1]`. */
function sinkColumn(sinks: Tensor, { shape: [rows, kvHeads, length] }: Tensor): Tensor {
  const each = sinks.reshape([1, kvHeads!, -1, 1]);
  const places = (kvHeads! * length!) / sinks.size;
  return tf.tile(each, [rows!, 1, 1, places]).reshape([rows!, kvHeads!, length!, 1]);
}

/** Sums a column of all rows by head, `[heads]`. */
const ofHeads = (x: Tensor, heads: number): Tensor =>
  x.reshape([x.shape[0]!, heads, -1]).sum([0, 2]);

const joined = (bands: Tensor[]): Tensor => (bands.length === 1 ? bands[0]! : tf.concat(bands, 2));

export function composedAttention(
  inputs: Heads,
  layouts: TokenLayout,
  shape: AttentionShape,
): Tensor[] {
  const layout = layouts.dense(shape.window);
  const { heads, kvHeads, scale } = shape;
  const o = tf.tidy(() => {
    const [q, k, v] = eachByHead(inputs, layout, shape);
    const keys = k.mul(scale);
    const bands = layout.bands.map((band) =>
      tf.tidy(() => {
        const rows = bandOf(q, band, kvHeads);
        const { p } = probabilities(rows, firstKeys(keys, band), band.mask, shape);
        return unfolded(tf.matMul(p, firstKeys(v, band)), heads);
      }),
    );
    return byToken(joined(bands), layout.places);
  });
  return [o];
}

/** `[B, KV, G·S, D]` → `[B, heads, S, D]` */
function unfolded(x: Tensor, heads: number): Tensor {
  const [rows, kvHeads, length, dim] = x.shape as [number, number, number, number];
  return inShape(x, [rows, heads, (kvHeads * length) / heads, dim]);
}

export function composedAttentionGradient(
  args: AttentionGradientInputs,
  layouts: TokenLayout,
  shape: AttentionShape,
): Tensor[] {
  const layout = layouts.dense(shape.window);
  return tf.tidy(() => {
    const [q, k, v] = eachByHead(args.heads, layout, shape);
    const dy = gradientByHead(args.dy, layout, shape.heads);
    const o = byHead(args.saved[0]!, layout.queryTokens, shape.heads, layout.rows);
    const whole = { q, k: k.mul(shape.scale), v, dy, delta: tf.sum(dy.mul(o), -1, true) };
    const parts = layout.bands.map((band) => tf.tidy(() => bandGradient(whole, band, shape)));
    const dq = joined(parts.map(([d]) => d));
    const [dk, dv] = [1, 2].map((i) =>
      added(parts.map((part) => toAllKeys(part[i]!, layout.keys))),
    );
    const dheads = headsByToken([dq, dk!.mul(shape.scale), dv!], layout, args.heads);
    return args.ofSinks ? [...dheads, added(parts.map((part) => part[3]!))] : dheads;
  });
}

const added = (all: Tensor[]): Tensor => (all.length === 1 ? all[0]! : tf.addN(all));

/** @returns dq, dk and dv, and the gradient to sinks where there are any */
function bandGradient(
  whole: Readonly<Record<'q' | 'k' | 'v' | 'dy' | 'delta', Tensor>>,
  band: QueryBand,
  shape: AttentionShape,
): [Tensor, Tensor, Tensor, ...Tensor[]] {
  const { heads, kvHeads } = shape;
  const [q, dy, delta] = [whole.q, whole.dy, whole.delta].map((x) => bandOf(x, band, kvHeads));
  const [k, v] = [firstKeys(whole.k, band), firstKeys(whole.v, band)];
  const { p, lost, slope } = probabilities(q!, k, band.mask, shape);
  const seen = p.mul(tf.matMul(dy!, v, false, true).sub(delta!));
  const ds = slope === null ? seen : seen.mul(slope);
  return [
    unfolded(tf.matMul(ds, k), heads),
    tf.matMul(ds, q!, true, false),
    tf.matMul(p, dy!, true, false),
    ...(lost === null ? [] : [ofHeads(lost.mul(delta!).neg(), heads)]),
  ];
}

/** Zeros for the keys behind those of a band. */
function toAllKeys(x: Tensor, keys: number): Tensor {
  const missing = keys - x.shape[2]!;
  if (missing === 0) return x;
  return padded(x, [
    [0, 0],
    [0, 0],
    [0, missing],
    [0, 0],
  ]);
}
