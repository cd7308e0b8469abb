/** Which answer grader says whether a completion is correct, by the rewards that it is trained on. */
import type { GraderName } from '../../evaluate/index.js';
import type { RewardSpec } from '../../rewards/index.js';

/** Rewards whose answers the graders of evaluations read as well; the others say nothing about answers. */
const JUDGES: Readonly<Record<string, GraderName>> = {
  correctness: 'numeric',
  boxed: 'math',
  olympiad: 'math',
  factorization: 'factorization',
  factorization_correctness: 'factorization',
};

/** The grader of the first reward that has one; null where none has. */
export function judgeOfRewards(rewards: readonly RewardSpec[]): GraderName | null {
  for (const { name, options = {} } of rewards) {
    // `cosine_scaled` scales another reward.
    const judge = JUDGES[name] ?? JUDGES[String(options.of)];
    if (judge !== undefined) return judge;
  }
  return null;
}
