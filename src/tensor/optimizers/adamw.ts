/**
 * AdamW (Loshchilov & Hutter 2019) on one flat parameter vector, with PyTorch's order of operations:
 * p ← p·(1 − lr·wd); m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
 * p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 */
import { type Tensor1D, tf } from '../tf.js';
import { type MomentOptimizerOptions, momentOptimizer } from './moment-optimizer.js';
import type { Optimizer } from './optimizer.js';

export interface AdamWOptions extends MomentOptimizerOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const adamW = (
  size: number,
  { beta1, beta2, epsilon, ...options }: AdamWOptions,
): Optimizer =>
  momentOptimizer(size, { ...options, signed: { m: true, v: false } }, (moments, at) => {
    const stepSize = at.learningRate / (1 - beta1 ** at.step);
    const correction = 1 / Math.sqrt(1 - beta2 ** at.step);
    return (g, piece) => {
      const m = tf.tidy(() => {
        const gradients = g.mul(1 - beta1);
        return moments.m.read(piece).mul(beta1).add(gradients) as Tensor1D;
      });
      moments.m.write(piece, m);
      const v = tf.tidy(() => {
        const squares = tf.tidy(() => g.square().mul(1 - beta2));
        return moments.v.read(piece).mul(beta2).add(squares) as Tensor1D;
      });
      moments.v.write(piece, v);
      const denominator = tf.tidy(() => v.sqrt().mul(correction).add(epsilon));
      return m.div(denominator).mul(stepSize);
    };
  });
