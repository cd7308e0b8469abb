/**
 * DoRA (Liu et al. 2024, equation 5): rows of W + s·BA are scaled to trained magnitudes m,
 * y = g ⊙ (W·x + s·B·A·x) + b with g = m / ‖W + s·BA‖. The norm counts as a constant in the gradient
 * (section 4.3). Dropout acts on what the adapter adds: y = W·x + b + (g − 1) ⊙ W·x̃ + g ⊙ s·B·A·x̃ for
 * the dropped-out input x̃, as in PEFT.
 */
import { type Tensor, tf } from '../tf.js';
import { stopGradient } from './stop-gradient.js';

export interface DoraInputs {
  /** W, `[out, in]`, frozen. */
  readonly weight: Tensor;
  /** `[r, in]` */
  readonly a: Tensor;
  /** `[out, r]` */
  readonly b: Tensor;
  readonly scale: number;
  /** m, `[out]` */
  readonly magnitude: Tensor;
}

/** ‖W + s·BA‖ of each row, `[out]`. */
export function rowNorms({ weight, a, b, scale }: Omit<DoraInputs, 'magnitude'>): Tensor {
  return tf.tidy(() => {
    const adapted = weight.add(tf.matMul(b, a).mul(scale));
    return tf.sqrt(tf.sum(tf.square(adapted), 1));
  });
}

/** g, `[out]`; only the magnitude carries a gradient. @param weight Gives W, which is frozen */
export function doraFactor(
  inputs: Omit<DoraInputs, 'weight'> & { readonly weight: () => Tensor },
): Tensor {
  const norms = stopGradient(inputs.b, (b) => rowNorms({ ...inputs, weight: inputs.weight(), b }));
  return inputs.magnitude.div(norms);
}
