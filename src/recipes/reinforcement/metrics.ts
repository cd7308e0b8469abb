/** Metrics of one GRPO generation, under TRL's names. */
import { standardDeviation } from '../../losses/index.js';
import { sampledTokens } from '../../report/index.js';
import { chunks } from '../../util/group.js';
import { largest, mean, smallest } from '../../util/numbers.js';
import type { GradedRollout } from '../sampling/graded-rollouts.js';
import { toolRates } from '../sampling/tool-rates.js';
import { type AdvantageKeys, teaches } from './advantages.js';
import { policyLogprobs } from './policy-logprobs.js';

/** Nothing without any score: 0 would be a judgement. */
export const scoreMean = (name: string, scores: readonly number[]): Record<string, number> =>
  scores.length === 0 ? {} : { [name]: mean(scores)! };

const scoreSpread = (name: string, scores: readonly number[]): Record<string, number> =>
  scores.length === 0 ? {} : { [name]: standardDeviation(scores) };

function spread(prefix: string, lengths: readonly number[]): Record<string, number> {
  if (lengths.length === 0) return {};
  return {
    [`completions/mean_${prefix}length`]: mean(lengths)!,
    [`completions/min_${prefix}length`]: smallest(lengths),
    [`completions/max_${prefix}length`]: largest(lengths),
  };
}

function partMetrics(rollouts: readonly GradedRollout[]): Record<string, number> {
  const parts = Object.keys(rollouts[0]?.grade.parts ?? {}).map((name) => {
    const scores = rollouts.flatMap(({ grade }) => grade.parts[name]!.score ?? []);
    return {
      ...scoreMean(`rewards/${name}/mean`, scores),
      ...scoreSpread(`rewards/${name}/std`, scores),
    };
  });
  return Object.assign({}, ...parts);
}

/** How much likelier the sampled tokens were than the policy has them, mean nats per token. */
export function truncationMetrics(rollouts: readonly GradedRollout[]): Record<string, number> {
  const gaps = rollouts.flatMap(({ completion }) => {
    const policy = policyLogprobs(completion);
    return Array.from(completion.logprobs, (logprob, t) => logprob - policy[t]!);
  });
  return { 'sampling/truncation_gap/mean': mean(gaps) ?? 0 };
}

/** A deviation takes two grades. */
const hasDeviation = (group: readonly GradedRollout[]): boolean =>
  group.filter(({ grade }) => grade.total !== null).length > 1;

/** @param rollouts Groups of `num_generations` next to each other. */
export function generationMetrics(
  rollouts: readonly GradedRollout[],
  config: AdvantageKeys,
): Record<string, number> {
  const groups = chunks(rollouts, config.num_generations);
  const equal = groups.filter((group) => hasDeviation(group) && !teaches(group, config));
  const totals = rollouts.map(({ grade }) => grade.total).filter((total) => total !== null);
  const lengths = rollouts.map(({ completion }) => sampledTokens(completion));
  const ended = rollouts.filter(({ completion }) => completion.finishReason === 'stop');
  const endedLengths = ended.map(({ completion }) => sampledTokens(completion));
  return {
    ...scoreMean('reward', totals),
    ...scoreSpread('reward_std', totals),
    frac_reward_zero_std: equal.length / groups.length,
    ungraded: rollouts.length - totals.length,
    ...partMetrics(rollouts),
    ...toolRates(rollouts.flatMap(({ completion }) => completion.tools ?? [])),
    ...spread('', lengths),
    ...spread('terminated_', endedLengths),
    'completions/clipped_ratio': 1 - ended.length / rollouts.length,
  };
}
