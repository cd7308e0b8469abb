/**
 * RMSNorm (Zhang & Sennrich 2019) and its gradient: with r = 1/√(mean(x²) + eps) and g = dy·(w + offset),
 * y = x·r·(w + offset) and dx = r·g − x·r³·mean(g·x).
 */
import { attr, executeOp } from '../execute.js';
import type { NormOptions } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';

const gainOf = (w: Tensor, { offset }: NormOptions): Tensor => (offset === 0 ? w : w.add(offset));

const OVER_COLUMNS = [
  attr.type('T', 'float32'),
  attr.type('Tidx', 'int32'),
  attr.bool('keep_dims', true),
];

/** The sum of squares in one pass. @param x `[rows, W]` @returns `[rows, 1]` */
function rateOf(x: Tensor, { eps }: NormOptions): Tensor {
  const length = executeOp('EuclideanNorm', OVER_COLUMNS, [x, tf.scalar(1, 'int32')]);
  return tf.rsqrt(tf.square(length).div(x.shape[1]!).add(eps));
}

export const composedNorm = (x: Tensor, w: Tensor, options: NormOptions): Tensor =>
  tf.tidy(() => {
    const rows = x.reshape([-1, w.size]);
    return rows.mul(rateOf(rows, options)).mul(gainOf(w, options)).reshape(x.shape);
  });

export const composedNormGradient = (
  args: { readonly x: Tensor; readonly w: Tensor; readonly dy: Tensor; readonly extra?: Tensor },
  options: NormOptions,
): Tensor =>
  tf.tidy(() => {
    const { x, w, dy, extra } = args;
    const rows = x.reshape([-1, w.size]);
    const r = rateOf(rows, options);
    const g = dy.reshape(rows.shape).mul(gainOf(w, options));
    const back = tf.mean(g.mul(rows), -1, true).mul(tf.pow(r, 3)).neg();
    const parts = [g.mul(r), rows.mul(back)];
    return tf
      .addN(extra === undefined ? parts : [...parts, extra.reshape(rows.shape)])
      .reshape(x.shape);
  });
