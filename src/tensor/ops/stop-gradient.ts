/** A function of a tensor that the gradient does not see. */
import { type Tensor, tf } from '../tf.js';
import { withGradient } from './with-gradient.js';

/**
 * @param of Any computation, also one without a gradient of its own; default: the identity.
 * @returns `of(x)`, whose derivative to `x` counts as zero.
 */
export const stopGradient = (x: Tensor, of: (x: Tensor) => Tensor = (y) => y.clone()): Tensor =>
  withGradient([x], { value: of, gradient: (_dy, input) => tf.zerosLike(input) });
