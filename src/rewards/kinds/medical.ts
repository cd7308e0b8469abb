/** Graders of short clinical answers: exact, fuzzy, and both; the gold answer is `reference_answer`. */
import type { RewardFactory, RewardRow } from '../reward.js';
import { TEXT_SCORERS, type TextScorer } from '../text/answer-scorers.js';

const rewardOf =
  (score: TextScorer): RewardFactory =>
  () =>
  (completion, row) => {
    const gold = goldText(row);
    return gold === null ? null : score(completion, gold);
  };

function goldText({ reference_answer: gold }: RewardRow): string | null {
  return typeof gold === 'string' ? gold : null;
}

export const medicalExactReward = rewardOf(TEXT_SCORERS.exact);
export const medicalFuzzyReward = rewardOf(TEXT_SCORERS.fuzzy);
export const medicalCombinedReward = rewardOf(TEXT_SCORERS.combined);
