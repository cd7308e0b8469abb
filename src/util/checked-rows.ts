/** Rows read back from a file that Lorikeet wrote and something may have changed since. */
import { InputError } from './errors.js';
import type { JsonRow } from './files.js';

export type FieldKind = 'number' | 'string' | 'boolean' | 'object';

export type Fields<T> = Partial<Record<keyof T & string, FieldKind>>;

const isOf = (value: unknown, kind: FieldKind): boolean => typeof value === kind && value !== null;

/**
 * The same rows, once each has these fields.
 * @throws InputError naming the file, the row and the field
 */
export function checkedRows<T>(path: string, rows: readonly JsonRow[], fields: Fields<T>): T[] {
  const kinds = Object.entries(fields) as [string, FieldKind][];
  for (const [i, row] of rows.entries()) {
    const wrong = kinds.find(([name, kind]) => !isOf(row[name], kind));
    if (wrong === undefined) continue;
    const [name, kind] = wrong;
    throw new InputError({
      where: path,
      problem: `row ${i + 1}: field "${name}" is ${JSON.stringify(row[name]) ?? 'missing'}, and should be of type ${kind}`,
    });
  }
  return rows as unknown as T[];
}
