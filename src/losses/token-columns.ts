/** Reading the token scores, and metrics that add up over micro-batches. */
import { CORRECT, ENTROPY, LOGP, MEAN_LOGP, type Tensor, tf } from '../tensor/index.js';

/** What a loss returns: one scalar to minimise, and scalars to log. */
export interface LossOutput {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

const column = (scores: Tensor, index: number): Tensor =>
  tf.slice(scores, [0, index], [-1, 1]).flatten();

/** log p of each selected token, `[M]`. */
export const logpsOf = (scores: Tensor): Tensor => column(scores, LOGP);

/** Entropy of the distribution that each token was drawn from, nats, `[M]`. */
export const entropiesOf = (scores: Tensor): Tensor => column(scores, ENTROPY);

/** Mean log p over the vocabulary, `[M]`; there when it was asked for. */
export const meanLogpsOf = (scores: Tensor): Tensor => column(scores, MEAN_LOGP);

/**
 * `entropy` and `mean_token_accuracy` of a micro-batch, already divided by the token count of the whole
 * optimizer step, so that micro-batches add up to the mean.
 */
export function tokenMetrics(scores: Tensor, totalTokens: number): Record<string, Tensor> {
  return {
    entropy: tf.sum(entropiesOf(scores)).div(totalTokens),
    mean_token_accuracy: tf.sum(column(scores, CORRECT)).div(totalTokens),
  };
}
