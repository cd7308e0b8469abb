/** What judges were asked, took and cost, as metrics. */

import type { EndpointStats } from '../../endpoint/index.js';
import { prefixed } from '../../util/prefixed.js';

/** Sums over the judges, each name behind `prefix`; nothing where there is none. */
export function judgeCounts(
  stats: readonly EndpointStats[],
  prefix: string,
): Record<string, number> {
  if (stats.length === 0) return {};
  const sum = (of: (one: EndpointStats) => number): number =>
    stats.reduce((total, one) => total + of(one), 0);
  const counts = {
    requests: sum(({ requests }) => requests),
    cached: sum(({ cached }) => cached),
    failed: sum(({ failed }) => failed),
    prompt_tokens: sum(({ prompt_tokens: tokens }) => tokens),
    completion_tokens: sum(({ completion_tokens: tokens }) => tokens),
    latency_s: sum(({ latency_s: seconds }) => seconds),
    ...(stats.some(({ cost }) => cost !== null) && { cost: sum(({ cost }) => cost ?? 0) }),
  };
  return prefixed(prefix, counts);
}
