/** Graders of short clinical answers: exact, fuzzy, and both; the gold answer is `reference_answer`. */
import type { RewardFactory } from '../reward.js';
import { TEXT_SCORERS, type TextScorer } from '../text/answer-scorers.js';

const rewardOf =
  (score: TextScorer): RewardFactory =>
  () =>
  (completion, { reference_answer: gold }) =>
    typeof gold === 'string' ? score(completion, gold) : null;

export const medicalRewards = {
  medical_exact: rewardOf(TEXT_SCORERS.exact),
  medical_fuzzy: rewardOf(TEXT_SCORERS.fuzzy),
  medical_combined: rewardOf(TEXT_SCORERS.combined),
};
