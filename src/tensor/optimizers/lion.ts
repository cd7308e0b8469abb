/**
 * Lion (Chen et al. 2023, algorithm 2) on one flat parameter vector:
 * p ← p − lr·(sign(β₁m + (1−β₁)g) + wd·p); m ← β₂m + (1−β₂)g.
 * Its updates have magnitude lr everywhere: rates are three to ten times smaller than AdamW's.
 */
import { type Tensor1D, tf } from '../tf.js';
import { type MomentOptimizerOptions, momentOptimizer } from './moment-optimizer.js';
import type { Optimizer } from './optimizer.js';

interface LionOptions extends MomentOptimizerOptions {
  readonly beta1: number;
  readonly beta2: number;
}

export const lion = (size: number, { beta1, beta2, ...options }: LionOptions): Optimizer =>
  momentOptimizer(size, { ...options, signed: { m: true } }, ({ m: moment }, { learningRate }) => {
    return (g, piece) => {
      const m = moment.read(piece);
      const direction = tf.tidy(() => tf.sign(m.mul(beta1).add(g.mul(1 - beta1))));
      const next = tf.tidy(() => m.mul(beta2).add(g.mul(1 - beta2)) as Tensor1D);
      moment.write(piece, next);
      return direction.mul(learningRate);
    };
  });
