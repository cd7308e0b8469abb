/** `metrics.jsonl`: one row a step. Metric names are `group/name`, as TRL's. */
import { openRowLog, type RowLog, type RowLogOptions } from './row-log.js';

/** Metrics of one step; text and null are allowed for facts that are no numbers. */
export type MetricRow = { readonly step: number } & Readonly<Record<string, MetricValue>>;
export type MetricValue = number | string | boolean | null;

export type MetricLog = RowLog<MetricRow>;

export function openMetricLog(path: string, options?: RowLogOptions): MetricLog {
  return openRowLog<MetricRow>(path, options);
}
