/**
 * Supervised fine-tuning over all trained tokens N of the step:
 * - `nll`: −Σ log p / N; with label smoothing ε the target is (1−ε)·onehot + ε/V (Szegedy et al. 2016), so
 *   that each token costs −(1−ε)·log p − ε·mean_v log p_v, as transformers' LabelSmoother;
 * - `dft`: −Σ sg(p)·log p / N, p held constant (Wu et al. 2025, dynamic fine-tuning).
 */
import { type GradientColumn, stopGradient, type Tensor, tf } from '../tensor/index.js';
import { type LossOutput, logpsOf, meanLogpsOf, tokenMetrics } from './token-columns.js';

export interface SftOptions {
  readonly lossType: 'nll' | 'dft';
  /** ε of `nll`. */
  readonly labelSmoothing: number;
  /** Trained tokens of the whole optimizer step (all micro-batches). */
  readonly totalTokens: number;
}

/** The score columns that the loss depends on. */
export const sftColumns = (
  options: Pick<SftOptions, 'labelSmoothing'>,
): readonly GradientColumn[] => (options.labelSmoothing > 0 ? ['logp', 'mean_logp'] : ['logp']);

/** @param scores `[M, 3 or 4]` token scores of a micro-batch, with the columns of `sftColumns`. */
export function sftLoss(scores: Tensor, options: SftOptions): LossOutput {
  const perToken = tokenLosses(scores, options);
  const loss = tf.sum(perToken).div(options.totalTokens);
  return { loss, metrics: tokenMetrics(scores, options.totalTokens) };
}

function tokenLosses(scores: Tensor, { lossType, labelSmoothing }: SftOptions): Tensor {
  const logps = logpsOf(scores);
  if (lossType === 'dft') return tf.neg(logps.mul(stopGradient(logps, tf.exp)));
  if (labelSmoothing === 0) return tf.neg(logps);
  const smoothed = meanLogpsOf(scores).mul(labelSmoothing);
  return tf.neg(logps.mul(1 - labelSmoothing).add(smoothed));
}
