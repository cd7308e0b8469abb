/** Rewards by name, and their weighted sum. A new reward is one line in `REWARDS`. */
import { InputError } from '../util/errors.js';
import { correctnessReward } from './correctness.js';
import { formatReward } from './format.js';
import { checkTags, DEFAULT_TAGS } from './response.js';
import type { Reward, RewardFactory, RewardOptions, RewardRow } from './reward.js';

const REWARDS = {
  format: formatReward,
  correctness: correctnessReward,
} satisfies Record<string, RewardFactory>;

export const REWARD_NAMES: readonly string[] = Object.keys(REWARDS);

export interface RewardSpec {
  readonly name: string;
  /** Factor in the sum; 0 only records the score. */
  readonly weight: number;
}

/** `skipped`: the reward does not apply to the row. `error`: it threw or returned no finite number. */
export type RewardStatus = 'ok' | 'error' | 'skipped';

export interface RewardPart {
  readonly score: number | null;
  readonly status: RewardStatus;
}

export interface Grade {
  /**
   * Weighted sum of the parts that are `ok`. Null when a part with a weight failed (leaving it out
   * would be a silent 0) or when no part with a weight applies: drop the sample.
   */
  readonly total: number | null;
  readonly parts: Readonly<Record<string, RewardPart>>;
}

export type Grader = (completion: string, row: RewardRow) => Grade;

/**
 * A grader that sums the named rewards.
 * @example makeRewards([{ name: 'format', weight: 0.2 }, { name: 'correctness', weight: 1 }])
 * @throws InputError on an unknown or repeated name, a weight that is not finite, no reward, or bad tags
 */
export function makeRewards(
  specs: readonly RewardSpec[],
  options: Partial<RewardOptions> = {},
): Grader {
  if (specs.length === 0) throw new InputError({ where: 'rewards', problem: 'the list is empty' });
  const settings = withDefaults(options);
  checkTags(settings.tags);
  const rewards = new Map<string, { readonly reward: Reward; readonly weight: number }>();
  for (const { name, weight } of specs) {
    if (rewards.has(name)) {
      throw new InputError({ where: 'rewards', problem: `"${name}" is listed twice` });
    }
    if (!Number.isFinite(weight)) {
      throw new InputError({
        where: `rewards.${name}.weight`,
        problem: `${weight} is not a number`,
      });
    }
    rewards.set(name, { reward: factoryOf(name)(settings), weight });
  }
  return (completion, row) => {
    const parts: Record<string, RewardPart> = {};
    for (const [name, { reward }] of rewards) parts[name] = gradePart(reward, completion, row);
    return { total: weightedTotal(parts, (name) => rewards.get(name)?.weight ?? 0), parts };
  };
}

function withDefaults(options: Partial<RewardOptions>): RewardOptions {
  return {
    tags: DEFAULT_TAGS,
    goldColumn: 'answer',
    gradedFormat: false,
    onlyTags: false,
    ...options,
  };
}

function factoryOf(name: string): RewardFactory {
  if (Object.hasOwn(REWARDS, name)) return REWARDS[name as keyof typeof REWARDS];
  throw new InputError({
    where: 'rewards',
    problem: `no reward is called "${name}"`,
    remedy: `Known are ${REWARD_NAMES.join(', ')}`,
  });
}

/** A reward that breaks its promise costs one graded part, counted in the rows, and not the run. */
function gradePart(reward: Reward, completion: string, row: RewardRow): RewardPart {
  try {
    const score = reward(completion, row);
    if (score === null) return { score, status: 'skipped' };
    return Number.isFinite(score) ? { score, status: 'ok' } : { score: null, status: 'error' };
  } catch {
    return { score: null, status: 'error' };
  }
}

function weightedTotal(
  parts: Readonly<Record<string, RewardPart>>,
  weightOf: (name: string) => number,
): number | null {
  let total: number | null = null;
  for (const [name, { score, status }] of Object.entries(parts)) {
    const weight = weightOf(name);
    if (weight === 0 || status === 'skipped') continue;
    if (score === null) return null;
    total = (total ?? 0) + weight * score;
  }
  return total;
}
