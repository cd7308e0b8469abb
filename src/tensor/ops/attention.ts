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
  const ofSinks = (shape.sinks ?? null) !== null;
  const given = ofSinks ? [q, k, v, shape.sinks!] : [q, k, v];
  return tf.customGrad((...inputs) => {
    const save = inputs[given.length] as unknown as (tensors: Tensor[]) => void;
    const [queries, keys, values, sinks = null] = inputs.slice(0, given.length) as Tensor[];
    const heads = [queries!, keys!, values!];
    const saved = kernels().attention(heads, layout, { ...shape, sinks });
    save([...heads, ...saved, ...given.slice(3)]);
    return {
      value: saved[0]!,
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const end = 3 + saved.length;
        const args = { heads: all.slice(0, 3), saved: all.slice(3, end), dy, ofSinks };
        return kernels().attentionGradient(args, layout, { ...shape, sinks: all[end] ?? null });
      },
    };
  })(...given);
}
