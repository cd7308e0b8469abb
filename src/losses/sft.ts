/** Supervised fine-tuning: negative log-likelihood, −Σ log p / N over all trained tokens of the step. */
import { type Tensor, tf } from '../tensor/index.js';
import { type LossOutput, logpsOf, tokenMetrics } from './token-columns.js';

/**
 * @param scores `[M, 3]` token scores of a micro-batch.
 * @param options.totalTokens Trained tokens of the whole optimizer step (all micro-batches).
 */
export function sftLoss(
  scores: Tensor,
  { totalTokens }: { readonly totalTokens: number },
): LossOutput {
  const loss = tf.neg(tf.sum(logpsOf(scores))).div(totalTokens);
  return { loss, metrics: tokenMetrics(scores, totalTokens) };
}
