/** RMSNorm (Zhang & Sennrich 2019) on the tape; with n = x/√(mean(x²) + eps), dw = Σ dy·n. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';

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
    return tf.customGrad((input, save) => {
      (save as (tensors: Tensor[]) => void)([input as Tensor]);
      return {
        value: kernels().norm(input as Tensor, weight, form),
        gradFunc: (dy: Tensor, saved: Tensor[]) =>
          kernels().normGradient({ x: saved[0]!, w: weight, dy }, form),
      };
    })(x);
  }
  // Filled by TensorFlow: `tf.ones` would be copied from the host for each norm.
  const normed = (input: Tensor) =>
    kernels().norm(input, tf.fill([weight.size], 1), { ...form, offset: 0 });
  return tf.customGrad((input, w, save) => {
    const [x0, w0] = [input as Tensor, w as Tensor];
    (save as unknown as (tensors: Tensor[]) => void)([x0, w0]);
    return {
      value: kernels().norm(x0, w0, form),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x1, w1] = saved as [Tensor, Tensor];
        return [
          kernels().normGradient({ x: x1, w: w1, dy }, form),
          dy.mul(normed(x1)).reshape([-1, weight.size]).sum(0),
        ];
      },
    };
  })(x, weight);
}
