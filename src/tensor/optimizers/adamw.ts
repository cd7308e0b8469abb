/**
 * AdamW (Loshchilov & Hutter 2019) on one flat parameter vector, with PyTorch's order of operations:
 * p ← p·(1 − lr·wd); m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
 * p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 */
import type { ParameterVector } from '../parameter-vector.js';
import { type Tensor, type Tensor1D, tf } from '../tf.js';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** 1 where a parameter decays, 0 where it does not, `[size]`; null: all decay. */
  readonly decayMask: Float32Array | null;
  /** Multiplies the learning rate of each parameter (LoRA+), `[size]`; null: 1 for all. */
  readonly rates?: Float32Array | null;
}

/** JSON- and safetensors-safe state. */
export interface AdamWState {
  readonly step: number;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

export class AdamW {
  private readonly options: AdamWOptions;
  private readonly decayMask: Tensor1D | null;
  private readonly rates: Tensor1D | null;
  private m: Tensor1D;
  private v: Tensor1D;
  private count = 0;

  constructor(size: number, options: AdamWOptions) {
    this.options = options;
    this.m = tf.keep(tf.zeros([size]));
    this.v = tf.keep(tf.zeros([size]));
    this.decayMask = options.decayMask === null ? null : tf.keep(tf.tensor1d(options.decayMask));
    const { rates = null } = options;
    this.rates = rates === null ? null : tf.keep(tf.tensor1d(rates));
  }

  /** One update in place. `gradient` is `[size]` and stays the caller's. */
  apply(parameters: ParameterVector, gradient: Tensor1D, learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.options;
    this.count += 1;
    const [m, v, next] = tf.tidy(() => {
      const m1 = this.m.mul(beta1).add(gradient.mul(1 - beta1)) as Tensor1D;
      const v1 = this.v.mul(beta2).add(gradient.square().mul(1 - beta2)) as Tensor1D;
      const stepSize = learningRate / (1 - beta1 ** this.count);
      const denominator = v1
        .sqrt()
        .mul(1 / Math.sqrt(1 - beta2 ** this.count))
        .add(epsilon);
      const decayed = this.decay(parameters.values, learningRate * weightDecay);
      return [m1, v1, decayed.sub(this.rated(m1.div(denominator).mul(stepSize))) as Tensor1D];
    });
    tf.dispose([this.m, this.v]);
    this.m = tf.keep(m);
    this.v = tf.keep(v);
    parameters.replace(next);
  }

  private decay(values: Tensor1D, rate: number): Tensor1D {
    if (rate === 0) return values;
    if (this.decayMask === null && this.rates === null) return values.mul(1 - rate);
    const decaying = this.decayMask === null ? values : values.mul(this.decayMask);
    return values.sub(this.rated(decaying.mul(rate)));
  }

  private rated(change: Tensor): Tensor {
    return this.rates === null ? change : change.mul(this.rates);
  }

  async state(): Promise<AdamWState> {
    const [m, v] = await Promise.all([this.m.data(), this.v.data()]);
    return { step: this.count, m: m as Float32Array, v: v as Float32Array };
  }

  restore({ step, m, v }: AdamWState): void {
    tf.dispose([this.m, this.v]);
    this.count = step;
    this.m = tf.keep(tf.tensor1d(m));
    this.v = tf.keep(tf.tensor1d(v));
  }

  dispose(): void {
    tf.dispose([this.m, this.v]);
    this.decayMask?.dispose();
    this.rates?.dispose();
  }
}
