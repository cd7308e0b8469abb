/** Scaled dot-product attention over a flat batch on the tape: the tokens that a query sees, with grouped queries. */
import { kernels } from '../kernels/kernels.js';
import type { AttentionShape } from '../native/mixer-calls.js';
import { type Tensor, tf } from '../tf.js';
import type { TokenLayout } from './layout.js';

/**
 * @param q `[T, heads·D]` @param k `[T, kvHeads·D]`, as `v` @param layout Must outlive the backward pass
 * @returns `[T, heads·D]`
 */
export function attention(
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  layout: TokenLayout,
  shape: AttentionShape,
): Tensor {
  return tf.customGrad((...inputs) => {
    const save = inputs[3] as unknown as (tensors: Tensor[]) => void;
    const heads = inputs.slice(0, 3) as Tensor[];
    const saved = kernels().attention(heads, layout, shape);
    save([...heads, ...saved]);
    return {
      value: saved[0]!,
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const args = { heads: all.slice(0, 3), saved: all.slice(3), dy };
        return kernels().attentionGradient(args, layout, shape);
      },
    };
  })(q, k, v);
}
