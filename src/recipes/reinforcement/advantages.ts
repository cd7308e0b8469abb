/** Advantages of graded completions as a config asks for them, and which groups have any. */
import type { GrpoConfig } from '../../config/index.js';
import { decoupledAdvantages, groupAdvantages } from '../../losses/index.js';
import type { GradedRollout } from '../sampling/graded-rollouts.js';

/** What advantages depend on; without `multi_objective_aggregation` rewards are summed first. */
export type AdvantageKeys = Pick<GrpoConfig, 'num_generations' | 'scale_rewards'> & {
  readonly rewards: readonly { readonly name: string; readonly weight: number }[];
  readonly multi_objective_aggregation?: GrpoConfig['multi_objective_aggregation'];
};

/**
 * @param rollouts Groups of `num_generations` next to each other.
 * @returns One number per completion; 0 where it has no reward, or one of its rewards failed.
 */
export function advantagesOf(rollouts: readonly GradedRollout[], config: AdvantageKeys): number[] {
  const { num_generations: groupSize, scale_rewards: scale } = config;
  if (config.multi_objective_aggregation !== 'normalize_then_sum') {
    const totals = rollouts.map(({ grade }) => grade.total);
    return groupAdvantages(totals, { groupSize, scale });
  }
  const weighted = config.rewards.map(({ name, weight }) => ({
    scores: rollouts.map(({ grade }) => (grade.total === null ? null : grade.parts[name]!.score)),
    weight,
  }));
  return decoupledAdvantages(weighted, { groupSize });
}

/** Rewards of the group differ in what is learnt from, so that its advantages are not all 0. */
export const teaches = (group: readonly GradedRollout[], config: AdvantageKeys): boolean =>
  advantagesOf(group, config).some((advantage) => advantage !== 0);
