/**
 * Rewards that shape length and repetition; they read token ids and do not apply without them.
 *
 * - soft_overlong: DAPO (arXiv 2503.14476), eq. 13.
 * - cosine_scaled and repetition_penalty: "Demystifying Long Chain-of-Thought Reasoning" (arXiv
 *   2502.03373), section 4 and appendix C.2.
 */
import { InputError } from '../../util/errors.js';
import { correctnessReward } from '../correctness.js';
import type { RewardFactory } from '../reward.js';
import { boxedReward, choiceReward, numericReward } from './answers.js';

/**
 * 0 up to `max_completion_length` − `soft_punish_cache` tokens, then falling in a line to −1 at
 * `max_completion_length`, and −1 beyond.
 */
export const softOverlongReward: RewardFactory = ({ settings }) => {
  const longest = settings.number('max_completion_length', 512, [1, 1e9]);
  const cache = settings.number('soft_punish_cache', 128, [0, longest]);
  return (_, __, info) => {
    if (info === undefined) return null;
    const over = info.ids.length - (longest - cache);
    if (over <= 0) return 0;
    return over > cache ? -1 : -over / cache;
  };
};

const JUDGES = {
  correctness: correctnessReward,
  numeric: numericReward,
  boxed: boxedReward,
  choice: choiceReward,
} satisfies Record<string, RewardFactory>;

/**
 * Correct answers earn less the longer they are, wrong ones are punished less: half a cosine from the
 * value at no token to the one at `max_length`. `of` names the reward that judges (1 is correct).
 */
export const cosineScaledReward: RewardFactory = (options) => {
  const { settings } = options;
  const of = settings.word('of', Object.keys(JUDGES) as (keyof typeof JUDGES)[], 'correctness');
  const longest = settings.number('max_length', 1000, [1, 1e9]);
  const [wrongShort, wrongLong] = [
    settings.number('min_value_wrong', -1),
    settings.number('max_value_wrong', -0.5),
  ];
  const [correctLong, correctShort] = [
    settings.number('min_value_correct', 0.5),
    settings.number('max_value_correct', 1),
  ];
  const judge = JUDGES[of](options);
  return (completion, row, info) => {
    const verdict = info === undefined ? null : judge(completion, row, info);
    if (info === undefined || verdict === null) return null;
    const [atStart, atEnd] = verdict === 1 ? [correctShort, correctLong] : [wrongShort, wrongLong];
    const progress = Math.min(1, info.ids.length / longest);
    return atEnd + 0.5 * (atStart - atEnd) * (1 + Math.cos(Math.PI * progress));
  };
};

/** The share of repeated runs of `ngram_size` tokens, times `max_penalty` (at most 0). */
export const repetitionPenaltyReward: RewardFactory = ({ settings }) => {
  const size = settings.number('ngram_size', 3, [1, 1000]);
  const penalty = settings.number('max_penalty', -1, [-Number.MAX_VALUE, 0]);
  if (!Number.isInteger(size)) {
    throw new InputError({ where: 'ngram_size', problem: `${size} is no whole number` });
  }
  return (_, __, info) => {
    if (info === undefined) return null;
    const total = info.ids.length - size + 1;
    if (total <= 0) return 0;
    const seen = new Set<string>();
    for (let i = 0; i < total; i++) seen.add(info.ids.slice(i, i + size).join(' '));
    const repeated = 1 - seen.size / total;
    return repeated === 0 ? 0 : repeated * penalty;
  };
};
