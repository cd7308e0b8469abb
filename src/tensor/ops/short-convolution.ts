/** A causal convolution of each channel by itself over the last tokens of a sequence, on the tape. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import type { TokenLayout } from './layout.js';

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
  return tf.customGrad((input, weight, save) => {
    const [x, w] = [input as Tensor, weight as Tensor];
    (save as unknown as (tensors: Tensor[]) => void)([x, w]);
    return {
      value: kernels().convolution(x, w, layout),
      gradFunc: (dy: Tensor, [x0, w0]: Tensor[]) =>
        kernels().convolutionGradient({ dy, kernel: w0!, u: x0! }, layout) as Tensor[],
    };
  })(u, kernel);
}
