/** The rows that `lorikeet grade` reads. */
import { InputError } from '../../util/errors.js';
import { type JsonRow, readJsonl } from '../../util/files.js';

/** @throws InputError where there is none: nothing would be checked, and nothing found */
export function inputRows(input: string): readonly JsonRow[] {
  const rows = readJsonl(input);
  if (rows.length > 0) return rows;
  throw new InputError({ where: input, problem: 'there is no row in it' });
}
