/**
 * Scaled dot-product attention with grouped queries: softmax(scale · q kᵀ + mask) v, and its gradient.
 *
 * The G query heads of a key head are folded into rows, so that one batched product serves them all.
 * With p the probabilities and o the output: dv = pᵀ·dy, dp = dy·vᵀ, ds = p·(dp − Σ dy·o),
 * dq = scale·ds·k, dk = scale·dsᵀ·q. A soft cap c·tanh(s/c) multiplies ds by 1 − (s_capped/c)².
 */
import { type Tensor, tf } from '../tf.js';

export interface AttentionOptions {
  /** Multiplies q·kᵀ. */
  readonly scale: number;
  /** Additive, `[1 or B, 1, S, S]`: 0 where a query may look, very negative elsewhere. */
  readonly mask: Tensor;
  readonly softcap: number | null;
}

/** Folds `[B, H, S, D]` into `[B, KV, (H/KV)·S, D]`; a view, no copy. */
const fold = (x: Tensor, kvHeads: number): Tensor => {
  const [rows, heads, length, dim] = x.shape as [number, number, number, number];
  return x.reshape([rows, kvHeads, (heads / kvHeads) * length, dim]);
};

function scores(q: Tensor, k: Tensor, options: AttentionOptions): Tensor {
  const raw = tf.matMul(q, k, false, true).mul(options.scale);
  return options.softcap === null ? raw : tf.tanh(raw.div(options.softcap)).mul(options.softcap);
}

/**
 * @param q `[B, H, S, D]`
 * @param k `[B, KV, S, D]`
 * @param v `[B, KV, S, D]`
 * @returns `[B, H, S, D]`
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const [rows, heads, length, dim] = q.shape as [number, number, number, number];
  const kvHeads = k.shape[1]!;
  const groups = heads / kvHeads;
  const mask = groups === 1 ? options.mask : tf.tile(options.mask, [1, 1, groups, 1]);
  const run = tf.customGrad((...inputs) => {
    const save = inputs[3] as unknown as (tensors: Tensor[]) => void;
    const [qf, kf, vf] = inputs as unknown as [Tensor, Tensor, Tensor];
    const s = scores(qf, kf, options);
    const p = tf.softmax(s.add(mask));
    const o = tf.matMul(p, vf);
    const cap = options.softcap;
    save(cap === null ? [qf, kf, vf, p, o] : [qf, kf, vf, p, o, s]);
    return {
      value: o,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [q1, k1, v1, p1, o1, s1] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
        const dp = tf.matMul(dy, v1, false, true);
        const ds = p1.mul(dp.sub(tf.sum(dy.mul(o1), -1, true)));
        const dRaw = cap === null ? ds : ds.mul(tf.scalar(1).sub(tf.square(s1.div(cap))));
        return [
          tf.matMul(dRaw, k1).mul(options.scale),
          tf.matMul(dRaw, q1, true, false).mul(options.scale),
          tf.matMul(p1, dy, true, false),
        ];
      },
    };
  });
  return run(fold(q, kvHeads), k, v).reshape([rows, heads, length, dim]);
}
