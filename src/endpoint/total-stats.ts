/** The counts of several endpoints as those of one. */
import { sum } from '../util/numbers.js';
import type { EndpointStats } from './endpoint.js';

/** Null for none. The cost is that of endpoints with prices, null where none has them. */
export function totalStats(all: readonly EndpointStats[]): EndpointStats | null {
  if (all.length === 0) return null;
  const total = (name: keyof EndpointStats) => sum(all.map((one) => one[name] ?? 0));
  return {
    requests: total('requests'),
    cached: total('cached'),
    retries: total('retries'),
    failed: total('failed'),
    prompt_tokens: total('prompt_tokens'),
    completion_tokens: total('completion_tokens'),
    latency_s: total('latency_s'),
    cost: all.some(({ cost }) => cost !== null) ? total('cost') : null,
  };
}
