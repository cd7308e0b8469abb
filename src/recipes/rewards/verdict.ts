/** What rows of graded completions have as `correct`. */
import { DEFAULT_BENCHMARK, type RewardConfig } from '../../config/index.js';
import { numericGrader } from '../../evaluate/index.js';
import type { Grade, RewardRow } from '../../rewards/index.js';
import { answerGrader } from '../evaluation/benchmark.js';
import { type TagKeys, tagsOf } from '../inputs/answer-tags.js';
import { judgeOfRewards } from '../training/rewards-judge.js';

/** Null where the row has no gold answer to judge by. */
export type Verdict = (completion: string, row: RewardRow, grade: Grade) => boolean | null;

/** Rewards of the registry that are 1 for a right answer, and read it as no grader of evaluations does. */
const OWN: readonly string[] = ['numeric', 'choice'];
/** Those that say nothing about answers. */
const SILENT: readonly string[] = ['format', 'soft_overlong', 'repetition_penalty'];

/**
 * By the first reward that is about answers, as in GRPO. Where all say nothing about them, by the number in the
 * solution tags. Null: what the rewards are about is not known, or is no answer.
 */
export function verdictOf(
  config: { readonly rewards: readonly RewardConfig[] } & TagKeys,
): Verdict | null {
  const tags = tagsOf(config);
  for (const reward of config.rewards) {
    const judge = judgeOfRewards([reward]);
    if (judge !== null) {
      const keys = { benchmark: DEFAULT_BENCHMARK, answer_format: 'tags', ...judge } as const;
      const grade = answerGrader({ ...config, ...keys });
      return (completion, row) => grade(completion, row).correct;
    }
    if (isOf(OWN, reward)) {
      return (_completion, _row, { parts }) => {
        const score = parts[reward.name]?.score ?? null;
        return score === null ? null : score === 1;
      };
    }
  }
  if (!config.rewards.every((reward) => isOf(SILENT, reward))) return null;
  const numeric = numericGrader({ tags });
  return (completion, row) => numeric(completion, row).correct;
}

const isOf = (names: readonly string[], { name, grader, file }: RewardConfig): boolean =>
  grader === null && file === null && names.includes(name);
