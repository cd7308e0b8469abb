/**
 * The proof that sampler and trainer are the same policy: after each sync the content hash must be that of
 * the adapter, and a fixed probe is scored by both runtimes.
 */
import type { Policy } from '../../model/index.js';
import type { Sampler } from '../../rollout/index.js';
import { GuardError } from '../../util/errors.js';
import { scoreSequences } from '../sampling/policy-sampler.js';

export interface ProbeResult {
  /** Largest and mean |Δ log p| over the probe's tokens, nats. */
  readonly max: number;
  readonly mean: number;
}

export interface ProbeOptions {
  readonly policy: Policy;
  readonly sampler: Pick<Sampler, 'score' | 'adapterHash'>;
  /** Token sequences, the same for every sync. */
  readonly sequences: readonly (readonly number[])[];
  /** Hash of the weights that the trainer holds. */
  readonly expectedHash: string;
  /** Largest |Δ log p| that passes. */
  readonly tolerance: number;
}

/** Longest part of a prompt that is probed, tokens. */
const PROBE_LENGTH = 64;
const PROBE_COUNT = 4;

/** The first tokens of the first few prompts; a prompt of one token stands twice, or it had no target. */
export const probeSequences = (prompts: readonly (readonly number[])[]): number[][] =>
  prompts
    .slice(0, PROBE_COUNT)
    .map((ids) => (ids.length > 1 ? ids : [...ids, ...ids]).slice(0, PROBE_LENGTH));

/** @throws GuardError when the sampler answers for other weights than the trainer's. */
export async function probePolicy(options: ProbeOptions): Promise<ProbeResult> {
  const { policy, sampler, sequences, expectedHash, tolerance } = options;
  if (sampler.adapterHash !== expectedHash) {
    throw new GuardError({
      where: 'policy probe',
      problem: `the sampler holds adapter ${sampler.adapterHash}, the trainer ${expectedHash}`,
      remedy: 'Rollouts would come from stale weights; this is a bug, please report it',
    });
  }
  const flat = (scores: readonly Float32Array[]) => scores.flatMap((part) => Array.from(part));
  const trainer = flat(await scoreSequences(policy, sequences));
  const sampled = flat(await sampler.score(sequences));
  let max = 0;
  let sum = 0;
  for (const [i, value] of sampled.entries()) {
    const gap = Math.abs(value - trainer[i]!);
    max = Math.max(max, Number.isFinite(gap) ? gap : Number.POSITIVE_INFINITY);
    sum += gap;
  }
  if (max > tolerance) {
    throw new GuardError({
      where: 'policy probe',
      problem: `log-probabilities of trainer and sampler differ by up to ${max.toPrecision(3)} (max_logprob_difference is ${tolerance})`,
      remedy: 'The sampler does not hold the trained weights; rollouts would be off-policy',
    });
  }
  return { max, mean: sum / sampled.length };
}
