/**
 * AdamW (Loshchilov & Hutter 2019) on one flat parameter vector, with PyTorch's order of operations:
 * p ← p·(1 − lr·wd); m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
 * p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 */
import type { ParameterVector } from '../parameter-vector.js';
import { type Scalar, type Tensor1D, tf } from '../tf.js';
import { createMoment, downloaded, type Moment, uploaded } from './moment.js';
import {
  type Optimizer,
  type OptimizerState,
  type UpdateOptions,
  UpdateRule,
} from './optimizer.js';

export interface AdamWOptions extends UpdateOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Of the moments between steps; default 32. */
  readonly bits?: 32 | 8;
}

export class AdamW implements Optimizer {
  private readonly options: Pick<AdamWOptions, 'beta1' | 'beta2' | 'epsilon'>;
  private readonly rule: UpdateRule;
  private readonly m: Moment;
  private readonly v: Moment;
  private readonly size: number;
  private count = 0;

  constructor(size: number, options: AdamWOptions) {
    this.size = size;
    const { bits = 32, beta1, beta2, epsilon } = options;
    // Not all of them: a mask of decay is as large as the model.
    this.options = { beta1, beta2, epsilon };
    this.rule = new UpdateRule(options);
    this.m = createMoment(size, { bits, isSigned: true });
    this.v = createMoment(size, { bits, isSigned: false });
  }

  apply(parameters: ParameterVector, gradient: Tensor1D, learningRate: number): Scalar {
    const { beta1, beta2, epsilon } = this.options;
    this.count += 1;
    const stepSize = learningRate / (1 - beta1 ** this.count);
    const correction = 1 / Math.sqrt(1 - beta2 ** this.count);
    const at = { gradient, learningRate };
    return this.rule.update(parameters, at, (g, piece) => {
      const m = tf.tidy(() => {
        const gradients = g.mul(1 - beta1);
        return this.m.read(piece).mul(beta1).add(gradients) as Tensor1D;
      });
      this.m.write(piece, m);
      const v = tf.tidy(() => {
        const squares = tf.tidy(() => g.square().mul(1 - beta2));
        return this.v.read(piece).mul(beta2).add(squares) as Tensor1D;
      });
      this.v.write(piece, v);
      const denominator = tf.tidy(() => v.sqrt().mul(correction).add(epsilon));
      return m.div(denominator).mul(stepSize);
    });
  }

  async state(): Promise<OptimizerState> {
    const m = await downloaded(this.m, this.size);
    const v = await downloaded(this.v, this.size);
    return { step: this.count, moments: { m, v } };
  }

  restore({ step, moments }: OptimizerState): void {
    this.count = step;
    uploaded(this.m, moments.m!);
    uploaded(this.v, moments.v!);
  }

  dispose(): void {
    this.m.dispose();
    this.v.dispose();
    this.rule.dispose();
  }
}
