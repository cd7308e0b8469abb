/**
 * What keeps the experts of a model evenly used (Fedus et al. 2021, Switch Transformers, eq. 4 to 6; transformers'
 * `load_balancing_loss_func`): aux = N · Σ_e f_e · P_e over N experts, f_e the mean number of times that a row has
 * chosen expert e, P_e the mean of its probability. A row is a token of a sequence at the router of one layer.
 *
 * Both means are those of the whole optimizer step; of their product with means of micro-batches, as transformers takes
 * it, k micro-batches would not add up to one large one. f has no gradient.
 */
import { type Tensor, tf } from '../tensor/index.js';
import type { LossOutput } from './token-columns.js';

export interface BalanceOptions {
  /** Weight of aux in the loss. */
  readonly coefficient: number;
  /** Of the whole step: how often each expert was chosen. */
  readonly counts: readonly number[];
  /** Of the whole step: tokens, counted once a layer. */
  readonly rows: number;
}

/** @param probabilities `[N]`, of each expert their sum over the rows of a micro-batch */
export function balanceLoss(
  probabilities: Tensor,
  { coefficient, counts, rows }: BalanceOptions,
): LossOutput {
  const weights = tf.tensor1d(counts.map((count) => (counts.length * count) / rows / rows));
  const aux = probabilities.mul(weights).sum();
  return { loss: aux.mul(coefficient), metrics: { aux_loss: aux } };
}
