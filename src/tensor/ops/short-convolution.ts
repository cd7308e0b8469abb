/** A causal convolution of each channel by itself over the last tokens of a sequence, on the tape. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import type { TokenLayout } from './layout.js';
import { withGradient } from './with-gradient.js';

/**
 * @param u `[T, H]` @param kernel `[H, 1, taps]` @returns `[T, H]`
 * @param options.layout Must outlive the backward pass
 * @param options.trainable Also return the gradient of the kernel.
 */
export function shortConvolution(
  u: Tensor,
  kernel: Tensor,
  { layout, trainable }: { readonly layout: TokenLayout; readonly trainable: boolean },
): Tensor {
  if (!trainable) {
    return tf.customGrad((input) => ({
      value: kernels().convolution(input as Tensor, kernel, layout),
      gradFunc: (dy: Tensor) => kernels().convolutionGradient({ dy, kernel, u: null }, layout)[0],
    }))(u);
  }
  return withGradient([u, kernel] as const, {
    value: (x, w) => kernels().convolution(x, w, layout),
    gradient: (dy, x, w) =>
      kernels().convolutionGradient({ dy, kernel: w, u: x }, layout) as Tensor[],
  });
}
