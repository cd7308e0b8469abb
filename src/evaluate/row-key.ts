/** What names a row of an evaluation where two are paired. */
import { InputError } from '../util/errors.js';
import { fieldNames } from '../util/shown.js';

/** A row of a file: of CSV all cells are text. */
export type KeyedRow = Readonly<Record<string, unknown>>;

/** Empty cells of CSV are none. */
export const isGiven = (value: unknown): boolean => value != null && value !== '';

/** The example of a row: its `id`, else `index`, else `prompt_id`. @throws InputError without one */
export function exampleOf(row: KeyedRow): string {
  const name = [row.id, row.index, row.prompt_id].find(isGiven);
  if (name !== undefined) return String(name);
  throw new InputError({
    where: 'compare',
    problem: `a row has no id, index or prompt_id to be paired by (it has ${fieldNames(row)})`,
    remedy: 'Compare rows of eval, rollouts or generate, or add a column id',
  });
}

/** The completion: its example and `sample_index`, 0 where there is none. */
export const completionOf = (row: KeyedRow): string =>
  `${exampleOf(row)}/${isGiven(row.sample_index) ? row.sample_index : 0}`;
