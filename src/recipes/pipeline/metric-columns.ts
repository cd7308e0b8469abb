/** Columns of metrics in the tables of stages: what belongs to a metric, and how people read it. */
import { type Cell, metricCell, metricText } from '../../report/index.js';
import { fullName } from './metrics.js';

export interface MetricTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

const BOUND = /_(?:low|high)$/;

/** The wanted metrics of a result; beside one with an interval its bounds, and the number of examples they are of. */
export function metricColumns(
  numbers: ReadonlyMap<string, number>,
  wanted: readonly string[],
): string[] {
  const has = (name: string): boolean => fullName(numbers, name) !== undefined;
  const columns = wanted.flatMap((name) => {
    const bounds = [`${name}_low`, `${name}_high`];
    return bounds.every(has) ? [name, ...bounds, ...['eval_size'].filter(has)] : [name];
  });
  return [...new Set(columns)];
}

/** For people: shares in percent, intervals behind their metric in place of columns of their own. */
export function readableTable({ header, rows }: MetricTable): MetricTable {
  const kept = header.filter(
    (name) => !BOUND.test(name) || !header.includes(name.replace(BOUND, '')),
  );
  return {
    header: kept,
    rows: rows.map((row) => {
      const numberOf = (name: string): Cell => row[header.indexOf(name)] ?? null;
      return kept.map((name): Cell => {
        const value = metricCell(name, numberOf(name));
        const [low, high] = ['low', 'high'].map((end) => numberOf(`${name}_${end}`));
        if (value === null || low === null || high === null) return value;
        return `${metricText(name, value)} (${metricText(name, low)} – ${metricText(name, high)})`;
      });
    }),
  };
}
