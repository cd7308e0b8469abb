/**
 * The groups of one GRPO generation, of which those that teach nothing are replaced (dynamic sampling, Yu et
 * al. 2025).
 */
import { chunks } from '../../util/group.js';
import { Rng } from '../../util/rng.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import type { GradedRollout } from '../sampling/graded-rollouts.js';

type Group = readonly GradedRollout[];

export interface SampledGroups {
  /** What is learnt from: as many groups as were asked for. */
  readonly chosen: readonly GradedRollout[];
  /** Those that were replaced. */
  readonly replaced: readonly GradedRollout[];
  readonly rounds: number;
}

export interface RefillOptions {
  readonly groupSize: number;
  /** Rounds of sampling, the first included. */
  readonly maxRounds: number;
  /** Completions of the generation's prompts in round 0, of `count` further prompts in later ones. */
  readonly sample: (round: number, count: number) => Promise<readonly GradedRollout[]>;
  /** Groups asked for. */
  readonly groups: number;
  /** Whether anything can be learnt from a group. */
  readonly teaches: (group: Group) => boolean;
}

/**
 * Samples on until enough groups teach, or the rounds are over; groups without a difference then fill up
 * what is missing, so that the batch keeps its size.
 */
export async function sampledGroups(options: RefillOptions): Promise<SampledGroups> {
  const { groupSize, maxRounds, groups, teaches } = options;
  if (maxRounds === 1) {
    const found = await options.sample(0, groups);
    return { chosen: found, replaced: [], rounds: 1 };
  }
  const useful: Group[] = [];
  const rest: Group[] = [];
  let rounds = 0;
  while (useful.length < groups && rounds < maxRounds) {
    const found = await options.sample(rounds, groups - useful.length);
    rounds += 1;
    for (const group of chunks(found, groupSize)) (teaches(group) ? useful : rest).push(group);
  }
  const all = [...useful, ...rest];
  return { chosen: all.slice(0, groups).flat(), replaced: all.slice(groups).flat(), rounds };
}

/** Further prompts of a generation: a function of seed, generation and round. */
export function furtherPrompts(
  prompts: readonly PromptedRow[],
  at: { readonly seed: number; readonly generation: number; readonly round: number },
): readonly PromptedRow[] {
  return Rng.of(at.seed, 'refill', at.generation, at.round).shuffle(prompts);
}
