/** What judges were asked, took and cost, as metrics. */
import { type EndpointStats, totalStats } from '../../endpoint/index.js';
import { prefixed } from '../../util/prefixed.js';

/** Sums over the judges, each name behind `prefix`; nothing where there is none. */
export function judgeCounts(
  stats: readonly EndpointStats[],
  prefix: string,
): Record<string, number> {
  const total = totalStats(stats);
  if (total === null) return {};
  const { retries: _, cost, ...counts } = total;
  return prefixed(prefix, { ...counts, ...(cost !== null && { cost }) });
}
