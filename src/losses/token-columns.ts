/** Reading the token scores `[M, 3 or 4]`, and metrics that add up over micro-batches. */
import { CORRECT, ENTROPY, LOGP, MEAN_LOGP, sliced, type Tensor, tf } from '../tensor/index.js';

/** What a loss returns: one scalar to minimise, and scalars to log. */
export interface LossOutput {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

const column = (scores: Tensor, index: number): Tensor =>
  sliced(scores, [0, index], [scores.shape[0]!, 1]).flatten();

/** log p of each selected token, `[M]`. */
export const logpsOf = (scores: Tensor): Tensor => column(scores, LOGP);

/** Entropy of the distribution that each token was drawn from, nats, `[M]`. */
export const entropiesOf = (scores: Tensor): Tensor => column(scores, ENTROPY);

/** Mean log p over the vocabulary, `[M]`; there when it was asked for. */
export const meanLogpsOf = (scores: Tensor): Tensor => column(scores, MEAN_LOGP);

/** 1 where a token is the likeliest, `[M]`. */
export const correctOf = (scores: Tensor): Tensor => column(scores, CORRECT);

/** Mean of the logits over the vocabulary, `[M]`; null where it was not asked for or is not known. */
const meanLogitsOf = (scores: Tensor): Tensor | null =>
  scores.shape[1] === 4 ? column(scores, 3) : null;

export interface SideTokens {
  /** `[M]` 1 for tokens of chosen (good) answers, else 0. */
  readonly isChosen: Float32Array;
  /** Tokens of both sides in the whole optimizer step. */
  readonly chosen: number;
  readonly rejected: number;
}

/** `logits/chosen` and `logits/rejected`: means of the logits over vocabulary and tokens. A side without tokens, and logits that are not known, have none. */
export function logitMetrics(scores: Tensor, side: SideTokens): Record<string, Tensor> {
  const means = meanLogitsOf(scores);
  if (means === null) return {};
  const mask = tf.tensor1d(side.isChosen);
  const chosen = tf.sum(means.mul(mask));
  const rejected = tf.sum(means).sub(chosen);
  return {
    ...(side.chosen > 0 && { 'logits/chosen': chosen.div(side.chosen) }),
    ...(side.rejected > 0 && { 'logits/rejected': rejected.div(side.rejected) }),
  };
}

/** Names of `tokenMetrics`. */
export const TOKEN_METRICS = ['entropy', 'mean_token_accuracy'] as const;

/**
 * `entropy` and `mean_token_accuracy` of a micro-batch, already divided by the token count of the whole
 * optimizer step, so that micro-batches add up to the mean.
 */
export function tokenMetrics(scores: Tensor, totalTokens: number): Record<string, Tensor> {
  return {
    entropy: tf.sum(entropiesOf(scores)).div(totalTokens),
    mean_token_accuracy: tf.sum(correctOf(scores)).div(totalTokens),
  };
}
