/** Identity whose gradient is zero. */
import { type Tensor, tf } from '../tf.js';

export function stopGradient(x: Tensor): Tensor {
  return tf.customGrad((input) => ({
    value: (input as Tensor).clone(),
    gradFunc: (dy: Tensor) => tf.zerosLike(dy),
  }))(x);
}
