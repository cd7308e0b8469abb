/**
 * f-DPO (Wang et al. 2024, arXiv 2309.16240): the log-ratio r of an answer to the reference counts as f′(eʳ), the
 * slope of another divergence than the reverse KL.
 *
 * | type | f′(eʳ) |
 * | --- | --- |
 * | reverse_kl | r |
 * | forward_kl | 1 − e⁻ʳ |
 * | js_divergence | log 2 + log σ(r) |
 * | alpha_divergence | (e^((α−1)r) − 1) / (α−1), or r where α = 1 |
 *
 * Exponents end at 80, in TRL those of alpha_divergence: float32 ends at e⁸⁸, beyond which gradients are no numbers.
 */
import { type Tensor, tf } from '../tensor/index.js';

export interface Divergence {
  readonly type: 'reverse_kl' | 'forward_kl' | 'js_divergence' | 'alpha_divergence';
  /** Of `alpha_divergence`. */
  readonly alpha: number;
}

export const REVERSE_KL: Divergence = { type: 'reverse_kl', alpha: 1 };

const MAX_EXPONENT = 80;
/** As in TRL: an α nearer to 1 is 1. */
const LEAST_DISTANCE = 1e-6;

/** @param ratios log-ratios, any shape @returns scores of the same shape */
export function divergenceScores(ratios: Tensor, { type, alpha }: Divergence): Tensor {
  if (type === 'forward_kl') {
    return tf.scalar(1).sub(tf.exp(tf.minimum(tf.neg(ratios), MAX_EXPONENT)));
  }
  if (type === 'js_divergence') return tf.scalar(Math.LN2).sub(tf.softplus(tf.neg(ratios)));
  if (type === 'reverse_kl' || Math.abs(alpha - 1) < LEAST_DISTANCE) return ratios;
  const exponents = tf.minimum(ratios.mul(alpha - 1), MAX_EXPONENT);
  return tf
    .exp(exponents)
    .sub(1)
    .mul(1 / (alpha - 1));
}
