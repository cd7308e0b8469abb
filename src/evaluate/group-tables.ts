/** Accuracy by a column of the rows: per level, per subject. */
import { groupBy } from '../util/group.js';
import { valueAt } from '../util/json-object.js';
import { mean, share } from '../util/numbers.js';
import type { EvalRow } from './eval-row.js';
import { shareInterval } from './intervals.js';

interface GroupRow {
  readonly value: string;
  /** Examples. */
  readonly n: number;
  readonly accuracy: number;
  readonly accuracy_low: number;
  readonly accuracy_high: number;
  readonly flexible_accuracy: number;
}

export interface GroupTable {
  readonly column: string;
  readonly rows: readonly GroupRow[];
}

/** A cell by its column; `metadata.tier` is inside the column `metadata`. */
export const cellOf = (row: unknown, column: string): unknown => valueAt(row, column.split('.'));

/** A table for each column that has two values or more among the graded rows. */
export function groupTables(
  rows: readonly EvalRow[],
  {
    columns,
    columnOf,
  }: {
    readonly columns: readonly string[];
    readonly columnOf: (row: EvalRow, column: string) => unknown;
  },
): readonly GroupTable[] {
  const graded = rows.filter(({ correct }) => correct !== null);
  return columns.flatMap((column) => {
    const groups = groupBy(graded, (row) => String(columnOf(row, column) ?? ''));
    if (groups.size < 2) return [];
    const sorted = [...groups].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
    return [{ column, rows: sorted.map(([value, members]) => groupRow(value, members)) }];
  });
}

function groupRow(value: string, rows: readonly EvalRow[]): GroupRow {
  const examples = [...groupBy(rows, ({ index }) => index).values()];
  const means = examples.map((samples) => share(samples, ({ correct }) => correct === true));
  const flexible = examples.map((own) =>
    share(own, ({ flexible_correct }) => flexible_correct === true),
  );
  const { low, high } = shareInterval(means);
  return {
    value,
    n: examples.length,
    accuracy: mean(means)!,
    accuracy_low: low,
    accuracy_high: high,
    flexible_accuracy: mean(flexible)!,
  };
}
