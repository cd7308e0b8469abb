/** Reading the `[M, 3]` token scores, and metrics that add up over micro-batches. */
import { CORRECT, ENTROPY, LOGP, type Tensor, tf } from '../tensor/index.js';

/** What a loss returns: one scalar to minimise, and scalars to log. */
export interface LossOutput {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

const column = (scores: Tensor, index: number): Tensor =>
  tf.slice(scores, [0, index], [-1, 1]).flatten();

/** log p of each selected token, `[M]`. */
export const logpsOf = (scores: Tensor): Tensor => column(scores, LOGP);

/**
 * `entropy` and `mean_token_accuracy` of a micro-batch, already divided by the token count of the whole
 * optimizer step, so that micro-batches add up to the mean.
 */
export function tokenMetrics(scores: Tensor, totalTokens: number): Record<string, Tensor> {
  return {
    entropy: tf.sum(column(scores, ENTROPY)).div(totalTokens),
    mean_token_accuracy: tf.sum(column(scores, CORRECT)).div(totalTokens),
  };
}
