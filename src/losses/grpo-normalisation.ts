/**
 * Host-side numbers of GRPO: advantages within groups, and the coefficient of each token in the loss.
 * Both are constants of the loss.
 */
import { chunks } from '../util/group.js';
import { mean, sum } from '../util/numbers.js';

export type GrpoLossType = 'grpo' | 'dapo' | 'dr_grpo' | 'bnpo' | 'cispo' | 'sapo' | 'luspo';
export type ScaleRewards = 'group' | 'batch' | 'none';

/** Sample standard deviation (n − 1), 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values)!;
  const squares = sum(values.map((value) => (value - centre) ** 2));
  return Math.sqrt(squares / (values.length - 1));
}

/** TRL's guard against division by zero. */
const EPSILON = 1e-4;

/** Largest deviation that is rounding (`torch.isclose` to 0): the mean of equal rewards may differ from them. */
const NO_SPREAD = 1e-8;

/** Whether rewards are the same but for rounding, so that a group of them teaches nothing. */
export const areEqual = (rewards: readonly number[]): boolean =>
  standardDeviation(rewards) <= NO_SPREAD;

/**
 * Rewards minus the mean of their group, divided by a standard deviation (`group`, `batch`) or not
 * (Dr. GRPO, Liu et al. 2025); 0 where those of a group are equal. Null rewards stand outside: they do not
 * enter a mean and get 0.
 * @param rewards One per completion, groups of `groupSize` next to each other.
 */
export function groupAdvantages(
  rewards: readonly (number | null)[],
  { groupSize, scale }: { readonly groupSize: number; readonly scale: ScaleRewards },
): number[] {
  const graded = (part: readonly (number | null)[]) => part.filter((value) => value !== null);
  const batchDeviation = standardDeviation(graded(rewards));
  const out: number[] = [];
  for (const group of chunks(rewards, groupSize)) {
    const known = graded(group);
    const centre = mean(known) ?? 0;
    const deviation = scale === 'group' ? standardDeviation(known) : batchDeviation;
    const divisor = scale === 'none' ? 1 : deviation + EPSILON;
    const isFlat = areEqual(known);
    for (const reward of group) {
      out.push(reward === null || isFlat ? 0 : (reward - centre) / divisor);
    }
  }
  return out;
}

export interface WeightedRewards {
  /** One per completion; null: the reward does not apply to it. */
  readonly scores: readonly (number | null)[];
  readonly weight: number;
}

/**
 * Group-reward-decoupled normalisation (GDPO, Liu et al. 2026; TRL's `normalize_then_sum`): each reward is
 * centred and scaled within its group, then they are summed by weight and scaled over the whole batch, so
 * that a reward of small spread is not drowned. The sums have a mean of 0 already, which TRL takes off again: its rounding
 * would be an advantage of groups with equal rewards. A completion without any reward of weight gets 0 and enters no mean
 * (in TRL it has a reward of 0 where one of weight 0 applies).
 */
export function decoupledAdvantages(
  rewards: readonly WeightedRewards[],
  { groupSize }: { readonly groupSize: number },
): number[] {
  const weighted = rewards.filter(({ weight }) => weight !== 0);
  const scaled = weighted.map(({ scores, weight }) => ({
    scores,
    values: groupAdvantages(scores, { groupSize, scale: 'group' }).map((value) => value * weight),
  }));
  const count = scaled[0]?.scores.length ?? 0;
  const sums = Array.from({ length: count }, (_, i) =>
    scaled.every(({ scores }) => scores[i] === null)
      ? null
      : scaled.reduce((sum, { values }) => sum + values[i]!, 0),
  );
  const known = sums.filter((sum) => sum !== null);
  const divisor = standardDeviation(known) + EPSILON;
  const isFlat = areEqual(known);
  return sums.map((sum) => (sum === null || isFlat ? 0 : sum / divisor));
}

export interface StepTotals {
  /** Completions of the optimizer step. */
  readonly sequences: number;
  /** Completion tokens of the optimizer step. */
  readonly tokens: number;
  /** For `bnpo`: completion tokens of this micro-batch, and micro-batches of the step, empty ones too. */
  readonly microTokens: number;
  readonly microBatches: number;
  readonly maxCompletionLength: number;
}

/**
 * The factor of each token of a completion of `length` tokens:
 * - `grpo` and `sapo`: mean over its tokens, then over sequences: 1/(length · sequences);
 * - `dapo` (Yu et al. 2025) and `cispo`: mean over all tokens of the step: 1/tokens;
 * - `bnpo`: mean over the tokens of the micro-batch, then over micro-batches;
 * - `dr_grpo`: a constant budget: 1/(maxCompletionLength · sequences);
 * - `luspo` (arXiv 2602.05261): sum over its tokens, mean over sequences: 1/sequences.
 */
export function tokenCoefficient(type: GrpoLossType, length: number, totals: StepTotals): number {
  const factors = {
    grpo: 1 / (length * totals.sequences),
    sapo: 1 / (length * totals.sequences),
    dapo: 1 / totals.tokens,
    cispo: 1 / totals.tokens,
    bnpo: 1 / (totals.microTokens * totals.microBatches),
    dr_grpo: 1 / (totals.maxCompletionLength * totals.sequences),
    luspo: 1 / totals.sequences,
  } as const satisfies Record<GrpoLossType, number>;
  return factors[type];
}
