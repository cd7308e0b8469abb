/** Rows as CSV (RFC 4180 quoting by arquero), nested values flattened or as JSON. */
import { table } from 'arquero';
import { writeTexts } from '../../util/files.js';
import { chunks } from '../../util/group.js';
import { isObject } from '../../util/json-object.js';

export type TableRow = Readonly<Record<string, unknown>>;

/**
 * Writes rows as a CSV file with a header. Columns are `first`, then those of all rows in order of appearance; a
 * nested object is opened to `key/inner` columns, a list is JSON, null and missing are empty.
 */
export function writeTable(
  path: string,
  rows: readonly TableRow[],
  first: readonly string[] = [],
): void {
  writeTexts(path, csvTexts(rows, first));
}

/** Rows that are made into text at once: a large table is longer than one text can be. */
const ROWS = 64;

function* csvTexts(rows: readonly TableRow[], first: readonly string[]): Generator<string> {
  const names = new Set(first);
  for (const row of rows) for (const name of Object.keys(flatRow(row))) names.add(name);
  if (names.size === 0) return;
  yield csvText([], { names, header: true });
  for (const some of chunks(rows, ROWS)) yield csvText(some.map(flatRow), { names, header: false });
}

function csvText(
  rows: readonly TableRow[],
  { names, header }: { readonly names: ReadonlySet<string>; readonly header: boolean },
): string {
  const columns = Array.from(names, (name): [string, unknown[]] => [
    name,
    rows.map((row) => row[name]),
  ]);
  return table(columns).toCSV({ header });
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
