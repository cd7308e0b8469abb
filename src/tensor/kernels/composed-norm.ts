/**
 * RMSNorm (Zhang & Sennrich 2019) and its gradient: with r = 1/√(mean(x²) + eps) and g = dy·(w + offset),
 * y = x·r·(w + offset) and dx = r·(g − x·r²·mean(g·x)). The derivative of 1/r times d is −d·r², in one operation.
 */
import { attr, executeOp } from '../execute.js';
import type { NormGradientInputs, NormOptions } from '../native/calls.js';
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

export const composedNormRate = (x: Tensor, w: Tensor, options: NormOptions): Tensor =>
  tf.tidy(() => rateOf(rowsOf(x, w), options));

export const composedNorm = (
  x: Tensor,
  w: Tensor,
  options: NormOptions,
  rate: Tensor | null = null,
): Tensor =>
  tf.tidy(() => {
    const rows = rowsOf(x, w);
    const r = rate ?? rateOf(rows, options);
    return inShape(rows.mul(r).mul(gainOf(w, options)), x.shape);
  });

export const composedNormGradient = (
  { x, w, dy, extra, rate = null }: NormGradientInputs,
  options: NormOptions,
): Tensor =>
  tf.tidy(() => {
    const rows = rowsOf(x, w);
    const r = rate ?? rateOf(rows, options);
    const g = rowsOf(dy, w).mul(gainOf(w, options));
    const along = executeOp('Mean', OVER_COLUMNS, [g.mul(rows), lastAxis()]);
    const pull = executeOp('ReciprocalGrad', [attr.type('T', 'float32')], [r, along]);
    const dx = g.add(rows.mul(pull)).mul(r);
    return inShape(extra === undefined ? dx : dx.add(rowsOf(extra, w)), x.shape);
  });
