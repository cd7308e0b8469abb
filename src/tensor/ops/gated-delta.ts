/** The gated delta rule over a flat batch, on the tape (Yang et al. 2025, Gated Delta Networks). */
import { type DeltaRows, kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import type { TokenLayout } from './layout.js';

/**
 * For each token a state is decayed, corrected and read: S ← exp(g)·S, S ← S + k ⊗ β(v − Sᵀk), o = Sᵀq.
 * @param layout Must outlive the backward pass
 * @returns `[T, valueHeads · valueDim]`
 */
export function gatedDeltaRule(rows: DeltaRows, layout: TokenLayout): Tensor {
  return tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as (tensors: Tensor[]) => void;
    const own = named(inputs as Tensor[]);
    const [o, ...kept] = kernels().deltaRule(own, layout) as [Tensor, ...Tensor[]];
    save([...(inputs as Tensor[]), ...kept]);
    return {
      value: o,
      gradFunc: (dy: Tensor, [q, k, v, g, beta, ...saved]: Tensor[]) =>
        kernels().deltaRuleGradient({ rows: named([q!, k!, v!, g!, beta!]), saved, dy }, layout),
    };
  })(rows.q, rows.k, rows.v, rows.g, rows.beta);
}

const named = ([q, k, v, g, beta]: Tensor[]): DeltaRows => ({
  q: q!,
  k: k!,
  v: v!,
  g: g!,
  beta: beta!,
});
