/** Columns of forms that a row does not have: sets that are put together have null there. */
import type { JsonRow } from '../util/files.js';

const FORMS = ['messages', 'prompt', 'question', 'text', 'completion', 'chosen', 'rejected'];

/** The row without them. Where it has none of these columns at all, errors show that they are null. */
export function withoutNullForms(row: JsonRow): JsonRow {
  const given = FORMS.filter((name) => row[name] !== undefined);
  const empty = given.filter((name) => row[name] === null);
  if (empty.length === 0 || empty.length === given.length) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => !empty.includes(name)));
}
