/** A function of a tensor that the gradient does not see. */
import { type Tensor, tf } from '../tf.js';

/**
 * @param of Any computation, also one without a gradient of its own; default: the identity.
 * @returns `of(x)`, whose derivative to `x` counts as zero.
 */
export function stopGradient(x: Tensor, of: (x: Tensor) => Tensor = (y) => y.clone()): Tensor {
  return tf.customGrad((input, save) => {
    (save as (tensors: Tensor[]) => void)([input as Tensor]);
    return {
      value: of(input as Tensor),
      gradFunc: (_: Tensor, [saved]: Tensor[]) => tf.zerosLike(saved!),
    };
  })(x);
}
