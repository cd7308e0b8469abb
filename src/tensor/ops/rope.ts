/** Rotary embedding on the tape; its gradient rotates by the negative angle. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import type { RotaryTable } from './layout.js';

interface RopeOptions {
  readonly headDim: number;
  /** int32 `[T]` */
  readonly positions: Tensor;
}

/**
 * @param x `[T, heads·D]`
 * @param table By position; must outlive the backward pass, as the positions.
 */
export function rope(x: Tensor, table: RotaryTable, { headDim, positions }: RopeOptions): Tensor {
  const rotate = (y: Tensor, sign: 1 | -1) =>
    kernels().rope(y, { ...table, positions }, { headDim, sign });
  return tf.customGrad((input) => ({
    value: rotate(input as Tensor, 1),
    gradFunc: (dy: Tensor) => rotate(dy, -1),
  }))(x);
}
