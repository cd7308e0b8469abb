/**
 * Direct preference optimization and its relatives: a weighted sum of losses on pairs of answers
 * (`PAIR_TERMS`), from the log-probabilities of their tokens.
 */
import { indicesOnDevice, segmentSums, sliced, type Tensor, tf } from '../tensor/index.js';
import { divergenceScores, REVERSE_KL } from './f-divergence.js';
import {
  type DpoLossType,
  PAIR_TERMS,
  type PairSettings,
  type PairSide,
  type PairSides,
  rewardsAreMeans,
} from './preference-terms.js';
import { sequenceLengths, sharedLengthWeights } from './sequences.js';
import {
  correctOf,
  type LossOutput,
  logitMetrics,
  logpsOf,
  TOKEN_METRICS,
  tokenMetrics,
} from './token-columns.js';

export interface WeightedLoss {
  readonly type: DpoLossType;
  readonly weight: number;
}

export interface DpoOptions extends PairSettings {
  /** α of LD-DPO (`sharedLengthWeights`); null, the default, weighs every token by 1. */
  readonly ldAlpha?: number | null;
  readonly losses: readonly WeightedLoss[];
  /** Pairs of the whole optimizer step. */
  readonly totalPairs: number;
  /** Answer tokens of the whole optimizer step, chosen and rejected. */
  readonly totalTokens: number;
  /** Chosen answer tokens of the whole optimizer step. */
  readonly totalChosenTokens: number;
}

export interface DpoBatch {
  /** Pairs P in this micro-batch; sequences 0…P−1 are chosen, P…2P−1 rejected. */
  readonly pairs: number;
  /** `[M]` sequence of each token. */
  readonly sequences: Int32Array;
  /** `[2P]` Σ log p, weighed as those of the policy, under the reference policy; null where no loss compares with one. */
  readonly referenceLogps: Float32Array | null;
}

function sidesOf(scores: Tensor, batch: DpoBatch, options: DpoOptions): PairSides {
  const { pairs, sequences, referenceLogps } = batch;
  const owners = indicesOnDevice(sequences);
  const sumOf = (x: Tensor): Tensor => segmentSums(x, owners, 2 * pairs);
  const { ldAlpha = null, divergence = REVERSE_KL } = options;
  const plain = sumOf(logpsOf(scores));
  const sums =
    ldAlpha === null
      ? plain
      : sumOf(logpsOf(scores).mul(tf.tensor1d(sharedLengthWeights(sequences, pairs, ldAlpha))));
  const lengths = tf.tensor1d(sequenceLengths(sequences, 2 * pairs));
  const ratios = referenceLogps === null ? sums : sums.sub(tf.tensor1d(referenceLogps));
  const scored = divergenceScores(ratios, divergence);
  const side = (start: number): PairSide => {
    const half = (x: Tensor): Tensor => sliced(x, [start], [pairs]);
    const [sum, ratio, length] = [half(sums), half(ratios), half(lengths)];
    const score = scored === ratios ? ratio : half(scored);
    return { sum, ratio, score, mean: sum.div(length), meanScore: score.div(length) };
  };
  const perToken = options.totalPairs / options.totalChosenTokens;
  const nll = sliced(plain, [0], [pairs]).mul(-perToken);
  return { chosen: side(0), rejected: side(pairs), nll };
}

const NLL_LOSSES: readonly DpoLossType[] = ['sft', 'cpo', 'orpo'];

/** Names of the metrics of `dpoLoss`. @param options.logits Whether means of logits are among its scores */
export function dpoMetrics(
  types: readonly DpoLossType[],
  { logits }: { readonly logits: boolean },
): string[] {
  const sides = ['rewards', 'logps', ...(logits ? ['logits'] : [])];
  return [
    ...TOKEN_METRICS,
    ...sides.flatMap((name) => [`${name}/chosen`, `${name}/rejected`]),
    ...['rewards/accuracies', 'rewards/margins'],
    ...(types.some((type) => NLL_LOSSES.includes(type)) ? ['nll_loss'] : []),
  ];
}

/**
 * Metrics as in TRL: `mean_token_accuracy` is that of chosen answers; rewards are β times the summed log-ratio,
 * whatever the loss type, or without a reference β times the log-probability. For SimPO and ORPO that is per token.
 * @param scores `[M, 3]` token scores of the answers' tokens, or `[M, 4]` with the means of their logits.
 */
export function dpoLoss(scores: Tensor, batch: DpoBatch, options: DpoOptions): LossOutput {
  const sides = sidesOf(scores, batch, options);
  const perPair = (x: Tensor) => tf.sum(x).div(options.totalPairs);
  const terms = options.losses.map(({ type, weight }) =>
    PAIR_TERMS[type](sides, options).mul(weight),
  );
  const total = terms.reduce((sum, term) => sum.add(term));
  const types = options.losses.map(({ type }) => type);
  const areMeans = rewardsAreMeans(types);
  const rewardOf = (side: PairSide) => side[areMeans ? 'mean' : 'ratio'].mul(options.beta);
  const logpOf = (side: PairSide) => side[areMeans ? 'mean' : 'sum'];
  const [up, down] = [rewardOf(sides.chosen), rewardOf(sides.rejected)];
  const { totalTokens, totalChosenTokens } = options;
  const isChosen = Float32Array.from(batch.sequences, (owner) => (owner < batch.pairs ? 1 : 0));
  const rejected = totalTokens - totalChosenTokens;
  const hasNll = types.some((type) => NLL_LOSSES.includes(type));
  return {
    loss: perPair(total),
    metrics: {
      ...tokenMetrics(scores, totalTokens),
      mean_token_accuracy: tf
        .sum(correctOf(scores).mul(tf.tensor1d(isChosen)))
        .div(totalChosenTokens),
      ...logitMetrics(scores, { isChosen, chosen: totalChosenTokens, rejected }),
      'rewards/chosen': perPair(up),
      'rewards/rejected': perPair(down),
      'rewards/accuracies': perPair(tf.greater(up, down).cast('float32')),
      'rewards/margins': perPair(up.sub(down)),
      'logps/chosen': perPair(logpOf(sides.chosen)),
      'logps/rejected': perPair(logpOf(sides.rejected)),
      ...(hasNll && { nll_loss: perPair(sides.nll) }),
    },
  };
}
