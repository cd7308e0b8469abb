/**
 * `dataset.columns`: our name → a column of the data, or a text with columns in braces, as
 * `{question: "{instruction}\n{input}"}`. Columns that are renamed are gone; those in a text stay.
 */
import type { JsonRow } from '../util/files.js';
import { nearest } from '../util/nearest.js';
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
    const wrong = (names.length === 0 ? [theirs] : names).find((name) => !isText(row, name));
    if (wrong !== undefined) return problemOf(row, { ours, theirs, wrong });
    moved.set(ours, theirs.replace(FIELD, (_, name: string) => String(row[name] ?? '')).trim());
  }
  const rest = Object.entries(row).filter(([name]) => !renamed.has(name));
  return moved.size === 0 ? row : Object.fromEntries([...rest, ...moved]);
}

const FIELD = /\{([^{}]+)\}/g;

/** Null is an empty text: in Alpaca's rows the input may be missing. */
const isText = (row: JsonRow, name: string): boolean =>
  Object.hasOwn(row, name) && (row[name] === null || typeof row[name] !== 'object');

/** Names that rows have here, and that are to stand before the colon. */
const OWN_NAMES = new Set([
  ...['messages', 'prompt', 'completion', 'text', 'question', 'reasoning', 'answer'],
  ...['chosen', 'rejected'],
]);

interface WrongColumn {
  readonly ours: string;
  readonly theirs: string;
  /** `theirs`, or a column in its text. */
  readonly wrong: string;
}

function problemOf(row: JsonRow, { ours, theirs, wrong }: WrongColumn): string {
  const use = `for ${ours} (it has ${fieldNames(row)})`;
  if (Object.hasOwn(row, wrong)) return `column "${wrong}" is no text ${use}`;
  const problem = `no column "${wrong}" ${use}`;
  if (OWN_NAMES.has(theirs) && Object.hasOwn(row, ours)) {
    return `${problem}. Write columns={${theirs}: ${ours}}`;
  }
  const near = nearest(wrong, Object.keys(row));
  return near === undefined ? problem : `${problem}. The nearest is ${near}`;
}
