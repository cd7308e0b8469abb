/** Reward of competition answers: right or wrong by the last `\boxed{}`, and a little for having one. */
import { extractBoxed } from '../../util/boxed.js';
import { goldOf } from '../correctness.js';
import { mathEquivalent } from '../math/equivalence.js';
import type { RewardFactory } from '../reward.js';

/**
 * `correct_reward` (1) or `incorrect_reward` (−0.5), and `format_reward` (0.1) for a boxed answer, right or
 * wrong.
 */
export const olympiadReward: RewardFactory = ({ settings }) => {
  const correct = settings.number('correct_reward', 1);
  const incorrect = settings.number('incorrect_reward', -0.5);
  const format = settings.number('format_reward', 0.1);
  return (completion, row) => {
    const gold = goldOf(row);
    if (gold === null) return null;
    const answer = extractBoxed(completion);
    const isBoxed = answer !== null && answer !== '';
    return (
      (isBoxed && mathEquivalent({ gold, prediction: answer }) ? correct : incorrect) +
      (isBoxed ? format : 0)
    );
  };
};
