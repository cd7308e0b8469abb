/** What grades depend on, for hashes of graded rows. */
import { existsSync } from 'node:fs';
import type { GraderKeys, RewardConfig } from '../../config/index.js';
import { pathIdentity } from '../inputs/path-identity.js';

/** Keys of configs that it stands for: the others of them say how grades are made, not what they are. */
export const GRADING_KEYS = [
  ...['rewards', 'judge', 'on_error', 'sandbox'],
  ...['python_workers', 'python_timeout_s', 'reward_timeout_s'],
] as const satisfies readonly ('rewards' | keyof GraderKeys)[];

/** The rewards with the content of their files, and with grader objects their judge. */
export function gradingIdentity({
  rewards,
  judge,
  on_error,
}: Pick<GraderKeys, 'judge' | 'on_error'> & {
  readonly rewards: readonly RewardConfig[];
}): unknown {
  const own = rewards.map(({ grader, file, ...reward }) => ({
    ...reward,
    grader: contentOf(grader),
    file: contentOf(file),
  }));
  return rewards.some(({ grader }) => grader !== null) ? [own, on_error, judgeOf(judge)] : [own];
}

/** Whose answers they are; not how it is reached, paid and waited for. */
function judgeOf(judge: GraderKeys['judge']): unknown {
  const { api_key_env, cache_dir, max_concurrency, timeout_s, max_attempts, ...model } = judge;
  const { price_input, price_output, rollout_memory_limit, ...asked } = model;
  return { ...asked, model_path: contentOf(asked.model_path) };
}

/** A name on the hub stands for itself. */
const contentOf = (path: string | null): string | null =>
  path === null || !existsSync(path) ? path : pathIdentity(path);
