/**
 * Scaled dot-product attention over a flat batch, with grouped queries: softmax(scale · q kᵀ) v over the
 * tokens that a query sees, and its gradient. By our own operation, which works block by block, or else
 * densely: the G query heads of a key head are folded into rows, so that one batched product serves them.
 * With p the probabilities and o the output: dv = pᵀ·dy, dp = dy·vᵀ, ds = p·(dp − Σ dy·o),
 * dq = scale·ds·k, dk = scale·dsᵀ·q. A soft cap c·tanh(s/c) multiplies ds by 1 − (s_capped/c)².
 */
import { type AttentionShape, nativeAttention, nativeAttentionGradient } from '../native/calls.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';
import type { DenseLayout, TokenLayout } from './layout.js';
import { softmaxRows } from './softmax.js';

/** `[T, heads·D]` → `[B, heads, S, D]`, by the token of each place where they are not the same. */
function byHead(x: Tensor, tokens: Tensor | null, heads: number, rows: number): Tensor {
  const places = tokens === null ? x : tf.gather(x, tokens as never);
  const dim = x.shape[1]! / heads;
  return tf.transpose(places.reshape([rows, -1, heads, dim]), [0, 2, 1, 3]);
}

/** Folds `[B, H, S, D]` into `[B, KV, (H/KV)·S, D]`; a view, no copy. */
const fold = (x: Tensor, kvHeads: number): Tensor => {
  const [rows, heads, length, dim] = x.shape as [number, number, number, number];
  return x.reshape([rows, kvHeads, (heads / kvHeads) * length, dim]);
};

type Six = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

/** q `[B, KV, G·Sq, D]`, k and v `[B, KV, Sk, D]`. */
function denseAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, shape: AttentionShape) {
  const { scale, softcap: cap } = shape;
  return tf.customGrad((...inputs) => {
    const save = inputs[3] as unknown as (tensors: Tensor[]) => void;
    const [q0, k0, v0] = inputs as unknown as [Tensor, Tensor, Tensor];
    // Queries are scaled rather than scores, of which there are many more.
    const scaled = q0.mul(scale);
    const raw = tf.matMul(scaled, k0, false, true);
    const s = cap === null ? raw : tf.tanh(raw.div(cap)).mul(cap);
    const p = softmaxRows(s.add(mask));
    const o = tf.matMul(p, v0);
    save(cap === null ? [scaled, k0, v0, p, o] : [scaled, k0, v0, p, o, s]);
    return {
      value: o,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.tidy(() => {
          const [q1, k1, v1, p1, o1, s1] = saved as Six;
          const dp = tf.matMul(dy, v1, false, true);
          const ds = p1.mul(dp.sub(tf.sum(dy.mul(o1), -1, true)));
          const dRaw = cap === null ? ds : ds.mul(tf.scalar(1).sub(tf.square(s1.div(cap))));
          return [
            tf.matMul(dRaw, k1).mul(scale),
            tf.matMul(dRaw, q1, true, false),
            tf.matMul(p1, dy, true, false),
          ];
        }),
    };
  })(q, k, v);
}

function dense(
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  layout: DenseLayout,
  shape: AttentionShape,
): Tensor {
  const { heads, kvHeads } = shape;
  const { rows, queries } = layout;
  const groups = heads / kvHeads;
  const mask = groups === 1 ? layout.mask : tf.tile(layout.mask, [1, 1, groups, 1]);
  const o = denseAttention(
    fold(byHead(q, layout.queryTokens, heads, rows), kvHeads),
    byHead(k, layout.keyTokens, kvHeads, rows),
    byHead(v, layout.keyTokens, kvHeads, rows),
    mask,
    shape,
  );
  const merged = tf.transpose(o.reshape([rows, heads, queries, -1]), [0, 2, 1, 3]);
  const flat = merged.reshape([rows * queries, q.shape[1]!]);
  return layout.places === null ? flat : tf.gather(flat, layout.places as never);
}

/**
 * @param q `[T, heads·D]` @param k `[T, kvHeads·D]` @param v `[T, kvHeads·D]`
 * @param layout Must outlive the backward pass.
 * @returns `[T, heads·D]`
 */
export function attention(
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  layout: TokenLayout,
  shape: AttentionShape,
): Tensor {
  if (!hasNativeOps()) return dense({ q, k, v }, layout.dense(shape.window), shape);
  const { segments } = layout;
  return tf.customGrad((...inputs) => {
    const save = inputs[3] as unknown as (tensors: Tensor[]) => void;
    const [q0, k0, v0] = inputs as unknown as [Tensor, Tensor, Tensor];
    const [o, lse] = nativeAttention({ q: q0, k: k0, v: v0, segments }, shape);
    save([q0, k0, v0, o, lse]);
    return {
      value: o,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [q1, k1, v1, o1, lse1] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
        const inputs = { q: q1, k: k1, v: v1, o: o1, lse: lse1, dy, segments };
        return nativeAttentionGradient(inputs, shape);
      },
    };
  })(q, k, v);
}
