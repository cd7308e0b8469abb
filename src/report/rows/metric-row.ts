/** A row of `metrics.jsonl`, one a step. Metric names are `group/name`, as TRL's. */

/** Metrics of one step; text and null are allowed for facts that are no numbers. */
export type MetricRow = { readonly step: number } & Readonly<Record<string, MetricValue>>;
export type MetricValue = number | string | boolean | null;
