/** Completions of stale weights are an error, wherever they come from. */
import { GuardError } from '../util/errors.js';
import type { Completion } from './types.js';

/** @throws GuardError when a completion does not carry the version it was asked of */
export function checkVersion(
  { adapter, requestId }: Pick<Completion, 'adapter' | 'requestId'>,
  expected: string | null,
): void {
  if (adapter === expected) return;
  throw new GuardError({
    where: `prompt ${requestId}`,
    problem: `the sampler answered with weights ${adapter ?? 'of the base'}, expected ${expected ?? 'those of the base'}`,
    remedy: 'Its adapter was not set, or another process changed it; do not use these completions',
  });
}
