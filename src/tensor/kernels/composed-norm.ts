/**
 * RMSNorm (Zhang & Sennrich 2019) and its gradient: with r = 1/√(mean(x²) + eps) and g = dy·(w + offset),
 * y = x·r·(w + offset) and dx = r·(g − x·r²·mean(g·x)).
 */
import { attr, executeOp } from '../execute.js';
import type { NormOptions } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import { inShape } from './in-shape.js';

const gainOf = (w: Tensor, { offset }: NormOptions): Tensor => (offset === 0 ? w : w.add(offset));

const OVER_COLUMNS = [
  attr.type('T', 'float32'),
  attr.type('Tidx', 'int32'),
  attr.bool('keep_dims', true),
];

const lastAxis = () => tf.scalar(1, 'int32');

/** 1/√(mean(x²) + eps), the sum of squares in one pass. @param x `[rows, W]` @returns `[rows, 1]` */
function rateOf(x: Tensor, { eps }: NormOptions): Tensor {
  const length = executeOp('EuclideanNorm', OVER_COLUMNS, [x, lastAxis()]);
  return tf.rsqrt(tf.square(length).div(x.shape[1]!).add(eps));
}

const rowsOf = (x: Tensor, w: Tensor): Tensor => inShape(x, [x.size / w.size, w.size]);

export const composedNorm = (x: Tensor, w: Tensor, options: NormOptions): Tensor =>
  tf.tidy(() => {
    const rows = rowsOf(x, w);
    return inShape(rows.mul(rateOf(rows, options)).mul(gainOf(w, options)), x.shape);
  });

export const composedNormGradient = (
  args: { readonly x: Tensor; readonly w: Tensor; readonly dy: Tensor; readonly extra?: Tensor },
  options: NormOptions,
): Tensor =>
  tf.tidy(() => {
    const { x, w, dy, extra } = args;
    const rows = rowsOf(x, w);
    const r = rateOf(rows, options);
    const g = rowsOf(dy, w).mul(gainOf(w, options));
    const along = executeOp('Mean', OVER_COLUMNS, [g.mul(rows), lastAxis()]);
    const dx = g.sub(rows.mul(along.mul(tf.square(r)))).mul(r);
    return inShape(extra === undefined ? dx : dx.add(rowsOf(extra, w)), x.shape);
  });
