/** Rows as CSV (RFC 4180 quoting by arquero), nested values flattened or as JSON. */
import { table } from 'arquero';
import { writeFileAtomic } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';

export type TableRow = Readonly<Record<string, unknown>>;

/**
 * CSV with a header. Columns are `first`, then those of all rows in order of appearance; a nested object
 * is opened to `key/inner` columns, a list is JSON, null and missing are empty.
 */
export function toCsv(rows: readonly TableRow[], first: readonly string[] = []): string {
  const flat = rows.map(flatRow);
  const names = [...new Set([...first, ...flat.flatMap((row) => Object.keys(row))])];
  if (names.length === 0) return '';
  const columns = names.map((name) => [name, flat.map((row) => row[name])] as const);
  return table(columns as [string, unknown[]][], names).toCSV();
}

/** Writes rows as a CSV file; `first` as in `toCsv`. */
export function writeTable(
  path: string,
  rows: readonly TableRow[],
  first: readonly string[] = [],
): void {
  writeFileAtomic(path, toCsv(rows, first));
}

function flatRow(row: TableRow): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(row)) {
    if (isObject(value)) {
      for (const [inner, cell] of Object.entries(value)) out[`${key}/${inner}`] = cellOf(cell);
    } else out[key] = cellOf(value);
  }
  return out;
}

function cellOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return value;
}
