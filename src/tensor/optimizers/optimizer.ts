/** What every optimizer is: one update of a flat parameter vector, and a state that checkpoints keep. */
import { cut, joined } from '../kernels/half-tensor.js';
import { onDevice } from '../on-device.js';
import type { ParameterVector } from '../parameter-vector.js';
import { type Scalar, type Tensor, type Tensor1D, tf } from '../tf.js';
import { type Piece, piecesOf } from './pieces.js';

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

/** What an update goes by. */
interface Direction {
  /** `[size]`; stays the caller's. */
  readonly gradient: Tensor1D;
  readonly learningRate: number;
}

/** The change of a piece of the parameters, `[its size]`, before rates and decay; what it makes is freed. */
export type ChangeOf = (gradient: Tensor1D, piece: number) => Tensor;

const kept = (values: Float32Array | null): Tensor1D | null =>
  values === null ? null : (tf.keep(onDevice(values, [values.length])) as Tensor1D);

const part = (vector: Tensor1D, { begin, size }: Piece): Tensor1D =>
  cut(vector, [begin], [size]) as Tensor1D;

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

  /**
   * The next values are p − lr·rates·(weightDecay·mask·p) − rates·change, piece by piece.
   * @returns as `Optimizer.apply`
   */
  update(
    parameters: ParameterVector,
    { gradient, learningRate }: Direction,
    changeOf: ChangeOf,
  ): Scalar {
    const { values } = parameters;
    const next = tf.tidy(() => {
      const pieces = piecesOf(values.size).map((piece, index) =>
        tf.tidy(() => {
          const change = () => changeOf(part(gradient, piece), index);
          const rated = tf.tidy(() => this.rated(change(), piece));
          const rate = learningRate * this.weightDecay;
          const decayed = tf.tidy(() => this.decayed(part(values, piece), rate, piece));
          return decayed.sub(rated);
        }),
      );
      return joined(pieces, 0) as Tensor1D;
    });
    const norm = tf.tidy(() => tf.squaredDifference(next, values).sum().sqrt() as Scalar);
    parameters.replace(next);
    return norm;
  }

  private decayed(values: Tensor1D, rate: number, piece: Piece): Tensor {
    if (rate === 0) return values;
    if (this.decayMask === null && this.rates === null) return values.mul(1 - rate);
    const decaying = this.decayMask === null ? values : values.mul(part(this.decayMask, piece));
    return values.sub(this.rated(decaying.mul(rate), piece));
  }

  private rated(change: Tensor, piece: Piece): Tensor {
    return this.rates === null ? change : change.mul(part(this.rates, piece));
  }

  dispose(): void {
    this.decayMask?.dispose();
    this.rates?.dispose();
  }
}
