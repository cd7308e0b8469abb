/**
 * Events of type `metrics` as rows of `metrics.jsonl`, so that charts, comparisons and gates read a remote
 * run like a local one. RFT's stand in `data.scores` and at the top.
 */
import { type MetricRow, type RemoteEvent, SERVICE_METRICS } from '../../report/index.js';
import type { JsonRow } from '../../util/files.js';

const TAKEN = new Set(['step', ...Object.values(SERVICE_METRICS).flatMap(({ read }) => read)]);

/** One row a step, in the order of the steps; numbers that have no name here keep the service's. */
export function metricRows(events: readonly RemoteEvent[]): MetricRow[] {
  const rows = new Map<number, MetricRow>();
  for (const { data, created_at } of events) {
    const step = (data as JsonRow | null | undefined)?.step;
    if (typeof step !== 'number') continue;
    rows.set(step, { ...rows.get(step), ...rowOf(step, data as JsonRow), wall_time: created_at });
  }
  return [...rows.values()].sort((a, b) => a.step - b.step);
}

function rowOf(step: number, data: JsonRow): MetricRow {
  const found = { ...numbersOf(data), ...numbersOf((data.scores ?? {}) as JsonRow) };
  const own = Object.entries(SERVICE_METRICS).flatMap(([name, { read }]) => {
    const place = read.find((each) => found[each] !== undefined);
    return place === undefined ? [] : [[name, found[place] as number] as const];
  });
  const others = Object.entries(found).filter(([name]) => !TAKEN.has(name));
  return { step, ...Object.fromEntries(own), ...Object.fromEntries(others) };
}

const numbersOf = (data: JsonRow): Record<string, number> =>
  Object.fromEntries(
    Object.entries(data).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
