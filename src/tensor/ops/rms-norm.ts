/**
 * RMSNorm (Zhang & Sennrich 2019): y = x / √(mean(x²) + eps) · (w + offset), with its gradient.
 *
 * With r = 1/√(mean(x²)+eps), n = x·r and g = dy·(w+offset): dx = r·(g − n·mean(g·n)), dw = Σ dy·n.
 */
import { nativeNorm, nativeNormGradient } from '../native/calls.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';

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
  const gain = (w: Tensor) => (offset === 0 ? w : w.add(offset));
  const forward = (input: Tensor, w: Tensor, save: (tensors: Tensor[]) => void) => {
    const r = tf.rsqrt(tf.mean(tf.square(input), -1, true).add(eps));
    const n = input.mul(r);
    save([n, r, w]);
    return n.mul(gain(w));
  };
  const inputGradient = (dy: Tensor, [n, r, w]: readonly Tensor[]) => {
    const g = dy.mul(gain(w!));
    return g.sub(n!.mul(tf.mean(g.mul(n!), -1, true))).mul(r!);
  };
  const weightGradient = (dy: Tensor, [n]: readonly Tensor[]) =>
    dy.mul(n!).reshape([-1, weight.size]).sum(0);
  if (!trainable && hasNativeOps()) {
    const form = { eps, offset, out: 'float32' } as const;
    return tf.customGrad((input, save) => {
      (save as (tensors: Tensor[]) => void)([input as Tensor]);
      return {
        value: nativeNorm(input as Tensor, weight, form),
        gradFunc: (dy: Tensor, saved: Tensor[]) =>
          nativeNormGradient({ x: saved[0]!, w: weight, dy }, form),
      };
    })(x);
  }
  if (!trainable) {
    return tf.customGrad((input, save) => ({
      value: forward(input as Tensor, weight, save as (tensors: Tensor[]) => void),
      gradFunc: (dy: Tensor, saved: Tensor[]) => inputGradient(dy, saved),
    }))(x);
  }
  return tf.customGrad((input, w, save) => ({
    value: forward(input as Tensor, w as Tensor, save as (tensors: Tensor[]) => void),
    gradFunc: (dy: Tensor, saved: Tensor[]) => [
      inputGradient(dy, saved),
      weightGradient(dy, saved),
    ],
  }))(x, weight);
}
