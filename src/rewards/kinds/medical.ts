/** Graders of short clinical answers: exact, fuzzy, and both; the gold answer is `reference_answer`. */
import type { RewardFactory, RewardRow } from '../reward.js';
import { tokenSetRatio } from '../text/fuzz.js';
import { defaultProcess } from '../text/process.js';

/** Shares of the combined grader. */
const FUZZY_SHARE = 0.85;
const EXACT_SHARE = 0.15;

type Score = (answer: string, gold: string) => number;

/** The raw texts are the same, case included. */
const exact: Score = (answer, gold) => (answer === gold ? 1 : 0);

/** RapidFuzz's `token_set_ratio` after `default_process`, divided by 100. */
const fuzzy: Score = (answer, gold) =>
  tokenSetRatio(defaultProcess(answer), defaultProcess(gold)) / 100;

const combined: Score = (answer, gold) =>
  FUZZY_SHARE * fuzzy(answer, gold) + EXACT_SHARE * exact(answer, gold);

const rewardOf =
  (score: Score): RewardFactory =>
  () =>
  (completion, row) => {
    const gold = goldText(row);
    return gold === null ? null : score(completion, gold);
  };

function goldText({ reference_answer: gold }: RewardRow): string | null {
  return typeof gold === 'string' ? gold : null;
}

export const medicalExactReward = rewardOf(exact);
export const medicalFuzzyReward = rewardOf(fuzzy);
export const medicalCombinedReward = rewardOf(combined);
