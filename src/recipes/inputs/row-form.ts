/** Which column of a row is read, where it has several that could be. */
import { counted } from '../../util/counted.js';
import type { JsonRow } from '../../util/files.js';

/** The first that a row has is read: what is written out comes before the question that it was made of. */
const FORMS = ['messages', 'prompt', 'question', 'text'] as const;

type RowForm = (typeof FORMS)[number];

const isForm = (row: JsonRow, name: RowForm): boolean =>
  name === 'question' ? typeof row.question === 'string' : row[name] !== undefined;

const formsOf = (row: JsonRow): RowForm[] => FORMS.filter((name) => isForm(row, name));

/** Undefined of a row that has none. */
export const rowForm = (row: JsonRow): RowForm | undefined => formsOf(row)[0];

/** Says how many rows have several, and which is read. */
export function sayForms(rows: readonly JsonRow[], log: (line: string) => void): void {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const [read, ...others] = formsOf(row);
    if (others.length === 0) continue;
    const line = `with ${read} and ${others.join(' and ')}: ${read} is what the model reads`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  for (const [line, count] of counts) log(`data: ${counted(count, 'row')} ${line}`);
}
