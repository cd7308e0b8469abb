/** What every optimizer is: one update of a flat parameter vector, and a state that checkpoints keep. */
import { onDevice } from '../on-device.js';
import type { ParameterVector } from '../parameter-vector.js';
import { type Scalar, type Tensor, type Tensor1D, tf } from '../tf.js';

/** JSON- and safetensors-safe. */
export interface OptimizerState {
  /** Updates done. */
  readonly step: number;
  /** `[size]` each, by name. */
  readonly moments: Readonly<Record<string, Float32Array>>;
}

export interface Optimizer {
  /**
   * One update in place. `gradient` is `[size]` and stays the caller's.
   * @returns ‖after − before‖ of the parameters as they are stored: 0 where the update is lost in rounding.
   *   The caller disposes it.
   */
  apply(parameters: ParameterVector, gradient: Tensor1D, learningRate: number): Scalar;
  state(): Promise<OptimizerState>;
  restore(state: OptimizerState): void;
  dispose(): void;
}

export interface UpdateOptions {
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** 1 where a parameter decays, 0 where it does not, `[size]`; null: all decay. */
  readonly decayMask: Float32Array | null;
  /** Multiplies the learning rate of each parameter (LoRA+), `[size]`; null: 1 for all. */
  readonly rates?: Float32Array | null;
}

/** Parameters after an update, and the norm of their change. */
export type Update = { readonly next: Tensor1D; readonly norm: Scalar };

const kept = (values: Float32Array | null): Tensor1D | null =>
  values === null ? null : (tf.keep(onDevice(values, [values.length])) as Tensor1D);

/** Decay and per-parameter rates, held as tensors. */
export class UpdateRule {
  private readonly weightDecay: number;
  private readonly decayMask: Tensor1D | null;
  private readonly rates: Tensor1D | null;

  constructor({ weightDecay, decayMask, rates = null }: UpdateOptions) {
    this.weightDecay = weightDecay;
    this.decayMask = weightDecay === 0 ? null : kept(decayMask);
    this.rates = kept(rates);
  }

  /** The next values are p − lr·rates·(weightDecay·mask·p) − rates·change, `[size]`. @param change Is freed here */
  update(values: Tensor1D, change: () => Tensor, learningRate: number): Update {
    const next = tf.tidy(() => {
      const rated = tf.tidy(() => this.rated(change()));
      const decayed = tf.tidy(() => this.decayed(values, learningRate * this.weightDecay));
      return decayed.sub(rated) as Tensor1D;
    });
    const norm = tf.tidy(() => next.sub(values).square().sum().sqrt() as Scalar);
    return { next, norm };
  }

  private decayed(values: Tensor1D, rate: number): Tensor1D {
    if (rate === 0) return values;
    if (this.decayMask === null && this.rates === null) return values.mul(1 - rate);
    const decay = tf.tidy(() => {
      const decaying = this.decayMask === null ? values : values.mul(this.decayMask);
      return this.rated(decaying.mul(rate));
    });
    return values.sub(decay);
  }

  private rated(change: Tensor): Tensor {
    return this.rates === null ? change : change.mul(this.rates);
  }

  dispose(): void {
    this.decayMask?.dispose();
    this.rates?.dispose();
  }
}
