/**
 * Kahneman-Tversky optimization (Ethayarajh et al. 2024, eq. 7): answers are good or bad by themselves, no
 * pairs. With r = log π(y) − log π_ref(y) and z the estimate of the KL divergence to the reference:
 * good: λ_D·(1 − σ(β(r − z))), bad: λ_U·(1 − σ(β(z − r))); the mean over answers.
 * `apo_zero_unpaired` (D'Oosterlinck et al. 2024) has no z and σ(βr) for bad answers, which is z = 0.
 *
 * z = max(0, mean r of answers put to other prompts) of the whole step, without a gradient (`klBaseline`).
 */
import { indicesOnDevice, segmentSums, type Tensor, tf } from '../tensor/index.js';
import { mean } from '../util/numbers.js';
import {
  type LossOutput,
  logitMetrics,
  logpsOf,
  TOKEN_METRICS,
  tokenMetrics,
} from './token-columns.js';

export interface KtoBatch {
  /** `[M]` answer of each token. */
  readonly sequences: Int32Array;
  /** `[N]` Σ log p under the reference. */
  readonly referenceLogps: Float32Array;
  /** `[N]` whether an answer is good. */
  readonly desirable: readonly boolean[];
}

export interface KtoOptions {
  readonly beta: number;
  /** λ_D */
  readonly desirableWeight: number;
  /** λ_U */
  readonly undesirableWeight: number;
  /** z */
  readonly kl: number;
  /** Good, bad answers, and answer tokens of the whole optimizer step; those of good ones. */
  readonly totalDesirable: number;
  readonly totalUndesirable: number;
  readonly totalTokens: number;
  readonly totalDesirableTokens: number;
}

/** @param ratios log π(y′) − log π_ref(y′) of mismatched answers y′. */
export const klBaseline = (ratios: readonly number[]): number => Math.max(0, mean(ratios) ?? 0);

/** Names of the metrics of `ktoLoss`. @param options.logits Whether means of logits are among its scores */
export function ktoMetrics(
  { good, bad }: { readonly good: boolean; readonly bad: boolean },
  { logits }: { readonly logits: boolean },
): string[] {
  const sides = [...(good ? ['chosen'] : []), ...(bad ? ['rejected'] : [])];
  const names = ['rewards', 'logps', ...(logits ? ['logits'] : [])];
  return [
    ...TOKEN_METRICS,
    ...names.flatMap((name) => sides.map((side) => `${name}/${side}`)),
    ...(good && bad ? ['rewards/margins'] : []),
  ];
}

/**
 * Metrics of good answers where the step has any, of bad ones alike, and the margin where it has both.
 * @param scores `[M, 3]` token scores of the answers' tokens, or `[M, 4]` with the means of their logits.
 */
export function ktoLoss(scores: Tensor, batch: KtoBatch, options: KtoOptions): LossOutput {
  const { beta, kl, totalDesirable, totalUndesirable } = options;
  const count = batch.desirable.length;
  const owners = indicesOnDevice(batch.sequences);
  const sums = segmentSums(logpsOf(scores), owners, count);
  const ratios = sums.sub(tf.tensor1d(batch.referenceLogps));
  // 1 − σ(x) = σ(−x): the sign turns for good answers.
  const signs = tf.tensor1d(batch.desirable.map((good) => (good ? -1 : 1)));
  const weights = tf.tensor1d(
    batch.desirable.map((good) => (good ? options.desirableWeight : options.undesirableWeight)),
  );
  const losses = tf.sigmoid(ratios.sub(kl).mul(beta).mul(signs)).mul(weights);
  const isGood = tf.tensor1d(batch.desirable.map(Number));
  const isBad = tf.scalar(1).sub(isGood);
  const { totalTokens, totalDesirableTokens: chosenTokens } = options;
  const isChosen = Float32Array.from(batch.sequences, (owner) => Number(batch.desirable[owner]));
  const rejectedTokens = totalTokens - chosenTokens;
  const rewards = ratios.mul(beta);
  const chosen = { count: totalDesirable, mask: isGood };
  const rejected = { count: totalUndesirable, mask: isBad };
  const margin = () => meanOver(rewards, chosen).sub(meanOver(rewards, rejected));
  return {
    loss: tf.sum(losses).div(totalDesirable + totalUndesirable),
    metrics: {
      ...tokenMetrics(scores, totalTokens),
      ...logitMetrics(scores, { isChosen, chosen: chosenTokens, rejected: rejectedTokens }),
      ...(chosen.count > 0 && {
        'rewards/chosen': meanOver(rewards, chosen),
        'logps/chosen': meanOver(sums, chosen),
      }),
      ...(rejected.count > 0 && {
        'rewards/rejected': meanOver(rewards, rejected),
        'logps/rejected': meanOver(sums, rejected),
      }),
      ...(chosen.count > 0 && rejected.count > 0 && { 'rewards/margins': margin() }),
    },
  };
}

interface Side {
  /** Answers of the step. */
  readonly count: number;
  /** `[N]` 1 for those of the micro-batch, else 0. */
  readonly mask: Tensor;
}

const meanOver = (x: Tensor, { count, mask }: Side): Tensor => tf.sum(x.mul(mask)).div(count);
