/** Rotary embedding on the tape; its gradient rotates by the negative angle. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import type { Rotation } from './rotation.js';

/**
 * @param x `[T, heads·D]`
 * @param rotation Must outlive the backward pass.
 */
export function rope(x: Tensor, rotation: Rotation, headDim: number): Tensor {
  const rotate = (y: Tensor, sign: 1 | -1) => kernels().rope(y, rotation, { headDim, sign });
  return tf.customGrad((input) => ({
    value: rotate(input as Tensor, 1),
    gradFunc: (dy: Tensor) => rotate(dy, -1),
  }))(x);
}
