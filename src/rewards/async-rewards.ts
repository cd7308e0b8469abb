/** Weighted sums that also hold rewards from outside: a user's file, or a grader object. */
import {
  checkSpecs,
  type Grade,
  type Grader,
  makeRewards,
  type RewardPart,
  type RewardSpec,
  weightedTotal,
} from './registry.js';
import type { CompletionInfo, RewardOptions, RewardRow } from './reward.js';

/** A reward that answers later. Never rejects. */
export type AsyncReward = (
  completion: string,
  row: RewardRow,
  info?: CompletionInfo,
) => Promise<RewardPart>;

export type AsyncGrader = (
  completion: string,
  row: RewardRow,
  info?: CompletionInfo,
) => Promise<Grade>;

/**
 * A grader of the named rewards, of which those in `outside` are not of the registry.
 * @throws InputError as `makeRewards`.
 */
export function makeAsyncRewards(
  specs: readonly RewardSpec[],
  outside: Readonly<Record<string, AsyncReward>>,
  options: Partial<RewardOptions> = {},
): AsyncGrader {
  checkSpecs(specs);
  const own = specs.filter(({ name }) => !Object.hasOwn(outside, name));
  const grade: Grader =
    own.length === 0 ? () => ({ total: null, parts: {} }) : makeRewards(own, options);
  return async (completion, row, info) => {
    const entries = Object.entries(outside).map(
      async ([name, reward]) => [name, await reward(completion, row, info)] as const,
    );
    const parts = {
      ...grade(completion, row, info).parts,
      ...Object.fromEntries(await Promise.all(entries)),
    };
    return { total: weightedTotal(parts, specs), parts };
  };
}
