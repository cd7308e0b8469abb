/** x·σ(x) on the tape, which keeps x alone. */
import { composedActivation, composedActivationGradient } from '../kernels/composed-gated.js';
import type { Tensor } from '../tf.js';
import { withGradient } from './with-gradient.js';

export const silu = (x: Tensor): Tensor =>
  withGradient([x], {
    value: (input) => composedActivation(input, 'silu'),
    gradient: (dy, input) => composedActivationGradient(input, dy, 'silu'),
  });
