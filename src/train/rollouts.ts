/** Completions as sequences to learn from, and what a micro-batch of them is made of. */
import { boundedWeight, type Correction, weighsSequences } from '../losses/index.js';
import type { MaskedSequence } from '../model/index.js';
import { sum } from '../util/numbers.js';

export interface GradedCompletion {
  readonly promptIds: readonly number[];
  /** As sampled, the end token included. */
  readonly ids: readonly number[];
  /** Which ids were sampled; the others, of tools, are read and not learnt from. Absent: all (as TRL's `tool_mask`). */
  readonly toolMask?: readonly boolean[];
  /** The sampler's log p of each sampled id at the temperature, over the whole vocabulary. */
  readonly logprobs: Float32Array;
  readonly advantage: number;
  /** Counts among the completions, but none of its tokens are learnt from. */
  readonly isMasked?: boolean;
}

export interface Rollout extends MaskedSequence {
  readonly completion: GradedCompletion;
  /** Sampled tokens: those that the loss counts. */
  readonly count: number;
  /** log p of the tokens under the policy before the generation's first step. */
  old: Float32Array | null;
}

export function rolloutOf(completion: GradedCompletion): Rollout {
  const { promptIds, ids, toolMask = ids.map(() => true) } = completion;
  const trained = [...promptIds.map(() => false), ...toolMask];
  const count = toolMask.filter(Boolean).length;
  return { ids: [...promptIds, ...ids], trained, completion, count, old: null };
}

/** Joins the per-token arrays of a group in the order of `collate`. */
export function joined(
  group: readonly Rollout[],
  of: (rollout: Rollout) => ArrayLike<number>,
): Float32Array {
  return Float32Array.from(group.flatMap((rollout) => Array.from(of(rollout))));
}

export const completionTokens = (rollouts: readonly Rollout[]): number =>
  sum(rollouts.map(({ count }) => count));

/** Prompt and completion tokens, those of tools included. */
export const allTokens = (rollouts: readonly Rollout[]): number =>
  sum(rollouts.map(({ ids }) => ids.length));

export interface Scored {
  readonly rollout: Rollout;
  /** The trainer's log p of each sampled token, in this step. */
  readonly live: Float32Array;
}

/** Smallest, mean and largest importance weight, as they enter the loss. */
function ratioMetrics(ratios: readonly number[]): Record<string, number> {
  const name = (part: string) => `sampling/importance_sampling_ratio/${part}`;
  let [min, max, total] = [Number.POSITIVE_INFINITY, 0, 0];
  for (const ratio of ratios) {
    min = Math.min(min, ratio);
    max = Math.max(max, ratio);
    total += ratio;
  }
  return { [name('min')]: min, [name('mean')]: total / ratios.length, [name('max')]: max };
}

/** How far trainer and sampler are apart on the tokens of the step. Empty without tokens. */
export function samplingMetrics(
  scored: readonly Scored[],
  correction: Correction | null,
): Record<string, number> {
  let [distance, largest, count] = [0, 0, 0];
  const ratios: number[] = [];
  for (const { rollout, live } of scored) {
    const sampled = rollout.completion.logprobs;
    const gaps = Array.from(rollout.old ?? live, (logp, t) => logp - sampled[t]!);
    for (const gap of gaps) {
      distance += Math.abs(gap);
      largest = Math.max(largest, Math.abs(gap));
    }
    count += gaps.length;
    if (correction === null) continue;
    const total = sum(gaps);
    const weighed = weighsSequences(correction) ? [total] : gaps;
    for (const gap of weighed) ratios.push(boundedWeight(gap, correction));
  }
  if (count === 0) return {};
  return {
    'sampling/sampling_logp_difference/mean': distance / count,
    'sampling/sampling_logp_difference/max': largest,
    ...(ratios.length > 0 && ratioMetrics(ratios)),
  };
}
