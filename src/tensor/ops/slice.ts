/** Parts of a tensor on the tape. */
import { attr, executeOp } from '../execute.js';
import { cut } from '../kernels/half-tensor.js';
import { type Tensor, tf } from '../tf.js';

const PAD = [attr.type('T', 'float32'), attr.type('Tpaddings', 'int32')];

/** x among zeros; tf.pad has their value as an input, which it reads back from a card. @param around Before and behind, of each axis */
export const padded = (x: Tensor, around: readonly (readonly [number, number])[]): Tensor =>
  executeOp('Pad', PAD, [x, tf.tensor2d(around.flat(), [around.length, 2], 'int32')]);

/** As tf.slice, whose gradient pads. @param x float32 */
export function sliced(x: Tensor, from: readonly number[], shape: readonly number[]): Tensor {
  const behind = (axis: number) => x.shape[axis]! - from[axis]! - shape[axis]!;
  const around = from.map((before, axis) => [before, behind(axis)] as const);
  return tf.customGrad((input) => ({
    value: cut(input as Tensor, from, shape).clone(),
    gradFunc: (dy: Tensor) => padded(dy, around),
  }))(x);
}
