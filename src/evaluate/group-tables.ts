/** Accuracy by a column of the rows: per level, per subject. */
import { groupBy } from '../util/group.js';
import { valueAt } from '../util/json-object.js';
import { mean } from '../util/numbers.js';
import { type EvalRow, isCorrect, isFlexiblyCorrect } from './eval-row.js';
import { shares, withInterval } from './intervals.js';

interface GroupRow {
  readonly value: string;
  /** Examples. */
  readonly n: number;
  readonly accuracy: number | null;
  readonly accuracy_low: number | null;
  readonly accuracy_high: number | null;
  readonly flexible_accuracy: number | null;
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
    const sorted = [...groups].sort(([a], [b]) => inOrder(a, b));
    return [{ column, rows: sorted.map(([value, members]) => groupRow(value, members)) }];
  });
}

/** Levels in words, which stand in this order; others stand by number and letter. */
const LEVELS: readonly string[] = ['easy', 'medium', 'hard'];

function inOrder(a: string, b: string): number {
  const [rankA, rankB] = [a, b].map((value) => LEVELS.indexOf(value.toLowerCase())) as [
    number,
    number,
  ];
  if (rankA >= 0 && rankB >= 0) return rankA - rankB;
  return a.localeCompare(b, 'en', { numeric: true });
}

function groupRow(value: string, rows: readonly EvalRow[]): GroupRow {
  const examples = [...groupBy(rows, ({ index }) => index).values()];
  return {
    value,
    n: examples.length,
    ...withInterval('accuracy', shares(examples, isCorrect)),
    flexible_accuracy: mean(shares(examples, isFlexiblyCorrect)),
  };
}
