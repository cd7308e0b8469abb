/** Rewards by name, and their weighted sum. A new reward is one line in `REWARDS`. */
import { inspect } from 'node:util';
import { DEFAULT_TAGS } from '../util/answer-tags.js';
import { InputError } from '../util/errors.js';
import { correctnessReward } from './correctness.js';
import { factorizationRewards } from './factorization/rewards.js';
import { formatReward } from './format.js';
import { failed, type GraderOutcome } from './graders/outcome.js';
import { boxedReward, choiceReward, numericReward } from './kinds/answers.js';
import { jsonSchemaReward } from './kinds/json-schema.js';
import { medicalRewards } from './kinds/medical.js';
import { olympiadReward } from './kinds/olympiad.js';
import { cosineScaledReward, repetitionPenaltyReward, softOverlongReward } from './kinds/shapes.js';
import { checkTags } from './response.js';
import type { CompletionInfo, Reward, RewardFactory, RewardOptions, RewardRow } from './reward.js';
import { readSettings } from './settings.js';

const REWARDS = {
  format: formatReward,
  correctness: correctnessReward,
  numeric: numericReward,
  boxed: boxedReward,
  choice: choiceReward,
  json_schema: jsonSchemaReward,
  soft_overlong: softOverlongReward,
  cosine_scaled: cosineScaledReward,
  repetition_penalty: repetitionPenaltyReward,
  olympiad: olympiadReward,
  ...medicalRewards,
  ...factorizationRewards,
} satisfies Record<string, RewardFactory>;

export const REWARD_NAMES: readonly string[] = Object.keys(REWARDS);

export interface RewardSpec {
  readonly name: string;
  /** Factor in the sum; 0 only records the score. */
  readonly weight: number;
  /** Settings of this reward. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export type RewardPart = Pick<GraderOutcome, 'score' | 'status' | 'reason'>;

export interface Grade {
  /**
   * Weighted sum of the parts that are `ok`. Null when a part with a weight failed (leaving it out
   * would be a silent 0) or when no part with a weight applies: drop the sample.
   */
  readonly total: number | null;
  readonly parts: Readonly<Record<string, RewardPart>>;
}

export type Grader = (completion: string, row: RewardRow, info?: CompletionInfo) => Grade;

/** A reward of the registry, its settings read. @throws InputError on an unknown name or setting */
function makeReward(spec: RewardSpec, options: Partial<RewardOptions>): Reward {
  const settings = readSettings(spec.name, spec.options);
  const reward = factoryOf(spec.name)({ tags: DEFAULT_TAGS, ...options, settings });
  settings.done();
  return reward;
}

/**
 * A grader that sums the named rewards.
 * @example makeRewards([{ name: 'format', weight: 0.2 }, { name: 'correctness', weight: 1 }])
 * @throws InputError on an unknown or repeated name, a weight that is not finite, no reward, or bad tags
 */
export function makeRewards(
  specs: readonly RewardSpec[],
  options: Partial<RewardOptions> = {},
): Grader {
  checkSpecs(specs);
  checkTags(options.tags ?? DEFAULT_TAGS);
  const rewards = specs.map((spec) => ({ spec, reward: makeReward(spec, options) }));
  return (completion, row, info) => {
    const parts: Record<string, RewardPart> = {};
    for (const { spec, reward } of rewards) {
      parts[spec.name] = gradePart(() => reward(completion, row, info));
    }
    return { total: weightedTotal(parts, specs), parts };
  };
}

/** @throws InputError on no reward, a repeated name, or a weight that is not finite */
export function checkSpecs(specs: readonly RewardSpec[]): void {
  if (specs.length === 0) throw new InputError({ where: 'rewards', problem: 'the list is empty' });
  const names = new Set<string>();
  for (const { name, weight } of specs) {
    if (names.has(name)) {
      throw new InputError({ where: 'rewards', problem: `"${name}" is listed twice` });
    }
    names.add(name);
    if (!Number.isFinite(weight)) {
      throw new InputError({
        where: `rewards.${name}.weight`,
        problem: `${weight} is not a number`,
      });
    }
  }
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
function gradePart(score: () => number | null): RewardPart {
  try {
    return partOf(score());
  } catch (error) {
    return failed(error, 0);
  }
}

/** The part of what a reward returned. */
export function partOf(score: unknown): RewardPart {
  if (score === null) return { score, status: 'skipped' };
  if (typeof score === 'number' && Number.isFinite(score)) return { score, status: 'ok' };
  return {
    score: null,
    status: 'error',
    reason: `it returned ${inspect(score)}, no finite number`,
  };
}

export function weightedTotal(
  parts: Readonly<Record<string, RewardPart>>,
  specs: readonly RewardSpec[],
): number | null {
  let total: number | null = null;
  for (const { name, weight } of specs) {
    const { score, status } = parts[name]!;
    if (weight === 0 || status === 'skipped') continue;
    if (score === null) return null;
    total = (total ?? 0) + weight * score;
  }
  return total;
}
