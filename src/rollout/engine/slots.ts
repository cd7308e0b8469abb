/** How many completions are in progress at once, and how long each can become. */
import { largest } from '../../util/numbers.js';
import type { SamplingParams, StreamRequest } from '../types.js';
import type { CacheGeometry } from './row-cache.js';

export interface SlotLimits {
  readonly maxContext: number;
  readonly maxBatch: number;
  readonly maxCacheBytes: number;
  /** Of keys and values, in one row. */
  readonly bytesPerToken: number;
  /** Of states, in one row. */
  readonly bytesPerRow: number;
}

/** For the longest row of these requests; as many slots as fit the budget and are of use. */
export function slotsOf(
  requests: readonly StreamRequest[],
  params: SamplingParams,
  limits: SlotLimits,
): CacheGeometry {
  const longest = largest(requests.map(({ promptIds }) => promptIds.length));
  const capacity = Math.min(limits.maxContext, longest + params.maxNewTokens);
  return { rows: affordable(capacity, completionsOf(requests), limits), capacity };
}

/** For requests whose lengths are not known yet, of which so many completions can be at work at once. */
export function slotsOfAny(wanted: number, limits: SlotLimits): CacheGeometry {
  const { maxContext } = limits;
  return { rows: affordable(maxContext, wanted, limits), capacity: maxContext };
}

/** Completions that the requests ask for. */
export const completionsOf = (requests: readonly StreamRequest[]): number =>
  requests.reduce((sum, { n }) => sum + n, 0);

function affordable(capacity: number, wanted: number, limits: SlotLimits): number {
  const { maxBatch, maxCacheBytes, bytesPerToken, bytesPerRow } = limits;
  const fitting = Math.floor(maxCacheBytes / (bytesPerToken * capacity + bytesPerRow));
  return Math.max(1, Math.min(wanted, maxBatch, fitting));
}
