/**
 * A linear layer with an optional LoRA branch (Hu et al. 2021):
 * y = x·Wᵀ + b + scale · dropout(x)·Aᵀ·Bᵀ. W stays as the checkpoint stores it, `[out, in]`; the
 * branch is never merged into W, whose grid may be too coarse for a small delta.
 */
import { type Tensor, tf } from '../tf.js';
import { doraFactor } from './dora.js';

export interface LoraBranch {
  /** `[r, in]` */
  readonly a: Tensor;
  /** `[out, r]` */
  readonly b: Tensor;
  /** lora_alpha / r, or lora_alpha / √r (rsLoRA). */
  readonly scale: number;
  /** DoRA's magnitudes, `[out]`; null for plain LoRA. */
  readonly magnitude: Tensor | null;
  /** Applied to the branch's input; null when there is no dropout. */
  readonly dropout: ((x: Tensor) => Tensor) | null;
}

/** W, `[out, in]`; a frozen one may be made anew at each call, so that it is not held from forward to backward. */
type WeightMaker = () => Tensor;

/** x·Wᵀ whose gradient skips W when W is frozen. */
function product(x: Tensor, weight: WeightMaker, trainable: boolean): Tensor {
  if (trainable) return tf.matMul(x, weight(), false, true);
  return tf.customGrad((input) => ({
    value: tf.matMul(input as Tensor, weight(), false, true),
    gradFunc: (dy: Tensor) => tf.tidy(() => tf.matMul(dy, weight())),
  }))(x);
}

/** @param x `[N, in]` @returns `[N, out]` */
export function linear(
  x: Tensor,
  weight: WeightMaker,
  options: {
    readonly bias: Tensor | null;
    readonly lora: LoraBranch | null;
    readonly trainable: boolean;
  },
): Tensor {
  const { bias, lora, trainable } = options;
  const base = product(x, weight, trainable);
  const withBias = (y: Tensor) => (bias === null ? y : y.add(bias));
  if (lora === null) return withBias(base);
  const input = lora.dropout === null ? x : lora.dropout(x);
  const low = tf.matMul(input, lora.a, false, true);
  // The scale goes to B, which is small beside the result.
  const delta = tf.matMul(low, lora.b.mul(lora.scale), false, true);
  if (lora.magnitude === null) return withBias(base).add(delta);
  const factor = doraFactor({ ...lora, magnitude: lora.magnitude, weight });
  if (lora.dropout === null) return withBias(base.add(delta).mul(factor));
  const dropped = product(input, weight, false);
  return withBias(base)
    .add(dropped.mul(factor.sub(1)))
    .add(delta.mul(factor));
}
