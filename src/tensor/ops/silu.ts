/** x·σ(x) on the tape, which keeps x alone. */
import { composedActivation, composedActivationGradient } from '../kernels/composed-gated.js';
import { type Tensor, tf } from '../tf.js';

export function silu(x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    (save as (tensors: Tensor[]) => void)([input as Tensor]);
    return {
      value: composedActivation(input as Tensor, 'silu'),
      gradFunc: (dy: Tensor, [saved]: Tensor[]) => composedActivationGradient(saved!, dy, 'silu'),
    };
  })(x);
}
