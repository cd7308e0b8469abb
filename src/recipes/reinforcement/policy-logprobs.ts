/**
 * Which of a completion's log-probabilities the trainer's are compared with. The trainer computes those of the
 * whole softmax at the temperature; tokens that were filtered out, or a penalty, make what was drawn from
 * another distribution. The weight π_trainer/π_drawn of a completion would then be the product of the masses
 * that the filters left, near 0 for a long one, though the two runtimes agree. So the correction of their
 * disagreement compares the whole softmax of both.
 */
import type { Completion } from '../../rollout/index.js';
import { RunError } from '../../util/errors.js';
import type { FilterKeys, SamplingKeys } from '../sampling/sampling-params.js';

/** @throws RunError where the sampler tells only the log-probabilities of what it drew from. */
export function policyLogprobs({ requestId, policyLogprobs: logprobs }: Completion): Float32Array {
  if (logprobs !== undefined) return logprobs;
  throw new RunError({
    where: `completion of ${requestId}`,
    problem: 'its sampler tells no log-probabilities of the whole distribution',
    remedy: "Sample by Lorikeet's own engine",
  });
}

type TruncatingKeys = Pick<SamplingKeys, 'top_p' | 'top_k'> & FilterKeys;

/** The keys that keep completions from being samples of the policy itself, as `top_p=0.9`. */
export function truncations(keys: TruncatingKeys): string[] {
  const plain = { top_p: 1, top_k: 0, min_p: 0, repetition_penalty: 1 } as const;
  return (Object.keys(plain) as (keyof typeof plain)[])
    .filter((key) => keys[key] !== plain[key])
    .map((key) => `${key}=${keys[key]}`);
}

export const isTruncated = (keys: TruncatingKeys): boolean => truncations(keys).length > 0;
