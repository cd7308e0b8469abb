/**
 * Direct preference optimization (Rafailov et al. 2023). With Δ = (log π(y⁺) − log π_ref(y⁺)) −
 * (log π(y⁻) − log π_ref(y⁻)), y⁺ the chosen and y⁻ the rejected answer:
 * - `sigmoid`: −(1−ε)·log σ(βΔ) − ε·log σ(−βΔ), ε the label smoothing (Mitchell 2023: cDPO); computed as
 *   softplus, since −log σ(x) = log(1 + e^−x), and since the gradient of `tf.logSigmoid` reads a freed tensor;
 * - `hinge`: max(0, 1 − βΔ) (Zhao et al. 2023: SLiC);
 * - `ipo`: (Δ̄ − 1/(2β))² with Δ̄ from means over tokens (Azar et al. 2023).
 */
import { type Tensor, tf } from '../tensor/index.js';
import { type LossOutput, logpsOf, tokenMetrics } from './token-columns.js';

export type DpoLossType = 'sigmoid' | 'hinge' | 'ipo';

export interface DpoOptions {
  readonly lossType: DpoLossType;
  readonly beta: number;
  readonly labelSmoothing: number;
  /** Pairs of the whole optimizer step. */
  readonly totalPairs: number;
  /** Answer tokens of the whole optimizer step, chosen and rejected. */
  readonly totalTokens: number;
}

export interface DpoBatch {
  /** Pairs P in this micro-batch; sequences 0…P−1 are chosen, P…2P−1 rejected. */
  readonly pairs: number;
  /** `[M]` sequence of each token. */
  readonly sequences: Int32Array;
  /** `[2P]` Σ log p under the reference policy. */
  readonly referenceLogps: Float32Array;
}

type PairLoss = (margin: Tensor, options: DpoOptions) => Tensor;

const PAIR_LOSSES = {
  sigmoid: (margin, { beta, labelSmoothing }) => {
    const scaled = margin.mul(beta);
    const kept = tf.softplus(tf.neg(scaled)).mul(1 - labelSmoothing);
    return kept.add(tf.softplus(scaled).mul(labelSmoothing));
  },
  hinge: (margin, { beta }) => tf.relu(tf.scalar(1).sub(margin.mul(beta))),
  ipo: (margin, { beta }) => tf.square(margin.sub(1 / (2 * beta))),
} as const satisfies Record<DpoLossType, PairLoss>;

/** Tokens of each sequence, at least 1, `[2P]`. */
function lengthsOf({ pairs, sequences }: DpoBatch): Float32Array {
  const lengths = new Float32Array(2 * pairs);
  for (const sequence of sequences) lengths[sequence]! += 1;
  return lengths.map((length) => Math.max(1, length));
}

/**
 * Rewards among the metrics are β times the summed log-ratio, whatever the loss type, as in TRL.
 * @param scores `[M, 3]` token scores of the answers' tokens.
 */
export function dpoLoss(scores: Tensor, batch: DpoBatch, options: DpoOptions): LossOutput {
  const { pairs } = batch;
  const sequences = tf.tensor1d(batch.sequences, 'int32');
  const sums = tf.unsortedSegmentSum(logpsOf(scores), sequences, 2 * pairs);
  const isMean = options.lossType === 'ipo';
  const lengths = isMean ? tf.tensor1d(lengthsOf(batch)) : tf.scalar(1);
  const ratios = sums.sub(tf.tensor1d(batch.referenceLogps));
  const half = (x: Tensor, first: boolean) => tf.slice(x, [first ? 0 : pairs], [pairs]);
  const marginOf = (x: Tensor) => half(x, true).sub(half(x, false));
  const margin = marginOf(ratios.div(lengths));
  const loss = tf.sum(PAIR_LOSSES[options.lossType](margin, options)).div(options.totalPairs);
  const perPair = (x: Tensor) => tf.sum(x).div(options.totalPairs);
  const rewards = ratios.mul(options.beta);
  const margins = marginOf(rewards);
  return {
    loss,
    metrics: {
      ...tokenMetrics(scores, options.totalTokens),
      'rewards/chosen': perPair(half(rewards, true)),
      'rewards/rejected': perPair(half(rewards, false)),
      'rewards/accuracies': perPair(tf.greater(margins, 0).cast('float32')),
      'rewards/margins': perPair(margins),
      'logps/chosen': perPair(half(sums, true)),
      'logps/rejected': perPair(half(sums, false)),
    },
  };
}
