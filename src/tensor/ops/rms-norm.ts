/** RMSNorm (Zhang & Sennrich 2019) on the tape; with n = x/√(mean(x²) + eps), dw = Σ dy·n. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import { withGradient } from './with-gradient.js';

/**
 * @param x `[…, H]`
 * @param weight `[H]`
 * @param options.trainable also return the gradient of `weight`.
 */
export function rmsNorm(
  x: Tensor,
  weight: Tensor,
  options: { readonly eps: number; readonly offset: number; readonly trainable: boolean },
): Tensor {
  const { eps, offset, trainable } = options;
  const form = { eps, offset, out: 'float32' } as const;
  if (!trainable) {
    return withGradient([x], {
      value: (input) => kernels().norm(input, weight, form),
      gradient: (dy, input) => kernels().normGradient({ x: input, w: weight, dy }, form),
    });
  }
  // Filled by TensorFlow: `tf.ones` would be copied from the host for each norm.
  const normed = (input: Tensor) =>
    kernels().norm(input, tf.fill([weight.size], 1), { ...form, offset: 0 });
  return withGradient([x, weight] as const, {
    value: (input, w) => kernels().norm(input, w, form),
    gradient: (dy, input, w) => [
      kernels().normGradient({ x: input, w, dy }, form),
      dy.mul(normed(input)).reshape([-1, weight.size]).sum(0),
    ],
  });
}
