/** The counts of several endpoints as those of one. */
import type { EndpointStats } from './endpoint.js';

/** Null for none. The cost is that of endpoints with prices, null where none has them. */
export function totalStats(all: readonly EndpointStats[]): EndpointStats | null {
  if (all.length === 0) return null;
  const sum = (of: (one: EndpointStats) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  return {
    requests: sum(({ requests }) => requests),
    cached: sum(({ cached }) => cached),
    retries: sum(({ retries }) => retries),
    failed: sum(({ failed }) => failed),
    prompt_tokens: sum(({ prompt_tokens: tokens }) => tokens),
    completion_tokens: sum(({ completion_tokens: tokens }) => tokens),
    latency_s: sum(({ latency_s: seconds }) => seconds),
    cost: all.some(({ cost }) => cost !== null) ? sum(({ cost }) => cost ?? 0) : null,
  };
}
