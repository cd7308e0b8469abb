/**
 * `dataset.columns`: our name → a column of the data, or a text with columns in braces, as
 * `{question: "{instruction}\n{input}"}`. Columns that are renamed are gone; those in a text stay.
 */
import type { JsonRow } from '../util/files.js';
import { fieldNames } from '../util/shown.js';

/** The row with its columns renamed, or what is wrong with it. */
export function renameColumns(
  row: JsonRow,
  columns: Readonly<Record<string, string>>,
): JsonRow | string {
  const moved = new Map<string, unknown>();
  const renamed = new Set<string>();
  for (const [ours, theirs] of Object.entries(columns)) {
    if (Object.hasOwn(row, theirs)) {
      moved.set(ours, row[theirs]);
      renamed.add(theirs);
      continue;
    }
    const names = [...theirs.matchAll(FIELD)].map(([, name]) => name!);
    const wrong = (names.length === 0 ? [theirs] : names).map((name) => problemOf(row, name));
    const problem = wrong.find((one) => one !== null);
    if (problem !== undefined) {
      const hint = Object.hasOwn(row, ours) ? `. Write columns={${theirs}: ${ours}}` : '';
      return `${problem} for ${ours} (it has ${fieldNames(row)})${hint}`;
    }
    moved.set(ours, theirs.replace(FIELD, (_, name: string) => String(row[name] ?? '')).trim());
  }
  const rest = Object.entries(row).filter(([name]) => !renamed.has(name));
  return moved.size === 0 ? row : Object.fromEntries([...rest, ...moved]);
}

const FIELD = /\{([^{}]+)\}/g;

/** Null is an empty text: in Alpaca's rows the input may be missing. */
function problemOf(row: JsonRow, name: string): string | null {
  if (!Object.hasOwn(row, name)) return `no column "${name}"`;
  const value = row[name];
  const isText = value === null || typeof value !== 'object';
  return isText ? null : `column "${name}" is no text`;
}
