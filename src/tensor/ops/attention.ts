/** Scaled dot-product attention over a flat batch on the tape: the tokens that a query sees, with grouped queries. */
import { kernels, type QueriesKeysValues } from '../kernels/kernels.js';
import type { AttentionShape } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import type { TokenLayout } from './layout.js';

/** @param layout Must outlive the backward pass. @returns `[T, heads·D]` */
export function attention(
  { q, k, v }: QueriesKeysValues,
  layout: TokenLayout,
  shape: AttentionShape,
): Tensor {
  return tf.customGrad((...inputs) => {
    const save = inputs[3] as unknown as (tensors: Tensor[]) => void;
    const [q0, k0, v0] = inputs as unknown as [Tensor, Tensor, Tensor];
    const saved = kernels().attention({ q: q0, k: k0, v: v0 }, layout, shape);
    save([q0, k0, v0, ...saved]);
    return {
      value: saved[0]!,
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const [q1, k1, v1, ...rest] = all as [Tensor, Tensor, Tensor, ...Tensor[]];
        const args = { q: q1, k: k1, v: v1, saved: rest, dy };
        return kernels().attentionGradient(args, layout, shape);
      },
    };
  })(q, k, v);
}
