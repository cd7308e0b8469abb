/**
 * Estimates of KL(π ‖ π_ref) from one drawn token (Schulman 2020), with d = log π_ref − log π:
 * k1 = −d (unbiased, any sign); k2 = d²/2; k3 = eᵈ − d − 1 (unbiased, never negative).
 */
import { type Tensor, tf } from '../tensor/index.js';

export type KlEstimator = 'k1' | 'k2' | 'k3';

type Estimate = (gap: Tensor) => Tensor;

/** @param gap d, `[M]` */
export const KL_ESTIMATORS: Readonly<Record<KlEstimator, Estimate>> = {
  k1: (gap) => tf.neg(gap),
  k2: (gap) => tf.square(gap).mul(0.5),
  k3: (gap) => tf.exp(gap).sub(gap).sub(1),
};
