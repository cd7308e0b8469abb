/** A summary of rows for `dataset_stats.json`. */
import type { JsonRow } from '../util/files.js';

export interface RowStats {
  readonly rows: number;
  readonly question_characters: { readonly mean: number; readonly max: number };
  /** Column to value to rows, for the columns that the rows have. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Columns whose values are counted. */
const CATEGORIES = ['style', 'operation', 'level', 'type', 'subject'] as const;

export function rowStats(rows: readonly JsonRow[]): RowStats {
  let total = 0;
  let max = 0;
  for (const { question } of rows) {
    const { length } = typeof question === 'string' ? question : '';
    total += length;
    max = Math.max(max, length);
  }
  const columns = CATEGORIES.filter((name) => rows.some((row) => row[name] !== undefined));
  return {
    rows: rows.length,
    question_characters: { mean: total / Math.max(1, rows.length), max },
    counts: Object.fromEntries(columns.map((name) => [name, countValues(rows, name)])),
  };
}

function countValues(rows: readonly JsonRow[], column: string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = String(row[column] ?? 'none');
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
