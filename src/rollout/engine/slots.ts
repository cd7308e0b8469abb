/** How many completions are in progress at once, and how long each can become. */
import type { SamplingParams, StreamRequest } from '../types.js';
import type { CacheGeometry } from './row-cache.js';

export interface SlotLimits {
  readonly maxContext: number;
  readonly maxBatch: number;
  readonly maxCacheBytes: number;
  /** Of keys and values, in one row. */
  readonly bytesPerToken: number;
}

/** For the longest row of these requests; as many slots as fit the budget and are of use. */
export function slotsOf(
  requests: readonly StreamRequest[],
  params: SamplingParams,
  limits: SlotLimits,
): CacheGeometry {
  const longest = Math.max(...requests.map(({ promptIds }) => promptIds.length));
  const wanted = requests.reduce((sum, { n }) => sum + n, 0);
  const capacity = Math.min(limits.maxContext, longest + params.maxNewTokens);
  return { rows: affordable(capacity, wanted, limits), capacity };
}

/** For requests that are not known yet. */
export function slotsOfAny(limits: SlotLimits): CacheGeometry {
  const { maxContext, maxBatch } = limits;
  return { rows: affordable(maxContext, maxBatch, limits), capacity: maxContext };
}

function affordable(capacity: number, wanted: number, limits: SlotLimits): number {
  const { maxBatch, maxCacheBytes, bytesPerToken } = limits;
  const fitting = Math.floor(maxCacheBytes / (bytesPerToken * capacity));
  return Math.max(1, Math.min(wanted, maxBatch, fitting));
}
