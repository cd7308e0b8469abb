/** What says whether a completion is correct, by the rewards that it is trained on. */
import type { GraderName } from '../../evaluate/index.js';
import type { RewardSpec } from '../../rewards/index.js';

/** Rewards whose answers the graders of evaluations read as well; the others say nothing about answers. */
const JUDGES: Readonly<Record<string, RewardsJudge>> = {
  correctness: { grader: 'numeric' },
  boxed: { grader: 'math' },
  olympiad: { grader: 'math' },
  factorization: { grader: 'factorization' },
  factorization_correctness: { grader: 'factorization' },
  medical_exact: { grader: 'exact', benchmark: 'medical' },
  medical_fuzzy: { grader: 'fuzzy', benchmark: 'medical' },
  medical_combined: { grader: 'combined', benchmark: 'medical' },
};

interface RewardsJudge {
  readonly grader: GraderName;
  /** The benchmark that takes answers as the reward does. */
  readonly benchmark?: string;
}

/** The judge of the first reward that has one; null where none has. */
export function judgeOfRewards(rewards: readonly RewardSpec[]): RewardsJudge | null {
  for (const { name, options = {} } of rewards) {
    const scaled = name === 'cosine_scaled' ? String(options.of ?? 'correctness') : name;
    const judge = JUDGES[scaled];
    if (judge !== undefined) return judge;
  }
  return null;
}
