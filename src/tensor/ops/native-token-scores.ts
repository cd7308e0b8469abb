/** `tokenScores` by our own operation, which walks over the vocabulary without keeping logits. */
import { castTo, nativeHead } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import { gradientColumns, type HeadOptions, LOGP } from './head-options.js';

/** It serves a frozen head whose log p alone may carry a gradient. */
export const isNativeHead = (options: HeadOptions): boolean =>
  !options.trainable && gradientColumns(options).every((column) => column === 'logp');

export function nativeTokenScores(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: HeadOptions,
): Tensor {
  const { compute = 'float32' } = options;
  const wantsGradient = gradientColumns(options).length > 0;
  return tf.customGrad((input, save) => {
    const x = input as Tensor;
    const h = compute === 'float32' ? x : castTo(x, 'float32', compute);
    const [scores, jacobian] = nativeHead({ h, w: weight, targets }, options, wantsGradient);
    (save as (tensors: Tensor[]) => void)([jacobian]);
    return {
      value: scores,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        if (!wantsGradient) throw new Error('tokenScores: asked for no gradient');
        return saved[0]!.mul(tf.slice(dy, [0, LOGP], [x.shape[0]!, 1]));
      },
    };
  })(hidden);
}
