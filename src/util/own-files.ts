/** JSON read back from a file that Lorikeet wrote and something may have changed since. */
import { InputError } from './errors.js';
import { readJson } from './files.js';
import { isObject } from './json-object.js';

type PlainKind = 'number' | 'string' | 'boolean' | 'object' | 'list';
type FieldKind = PlainKind | `${PlainKind} or null`;

export type Fields<T> = Partial<Record<keyof T & string, FieldKind>>;

function isOf(value: unknown, kind: FieldKind): boolean {
  if (value === null) return kind.endsWith(' or null');
  const plain = kind.replace(/ or null$/, '');
  if (plain === 'object') return isObject(value);
  return plain === 'list' ? Array.isArray(value) : typeof value === plain;
}

/** What is wrong with the first field that is of another kind; null: nothing is. */
function problemOf<T>(row: unknown, fields: Fields<T>): string | null {
  if (!isObject(row)) return 'is not a JSON object';
  const kinds = Object.entries(fields) as [string, FieldKind][];
  const wrong = kinds.find(([name, kind]) => !isOf(row[name], kind));
  if (wrong === undefined) return null;
  const [name, kind] = wrong;
  return `field "${name}" is ${JSON.stringify(row[name]) ?? 'missing'}, and should be of type ${kind}`;
}

/**
 * The same rows, once each has these fields.
 * @throws InputError naming the file, the row and the field
 */
export function checkedRows<T>(path: string, rows: readonly unknown[], fields: Fields<T>): T[] {
  for (const [i, row] of rows.entries()) {
    const problem = problemOf(row, fields);
    if (problem === null) continue;
    throw new InputError({ where: path, problem: `row ${i + 1}: ${problem}` });
  }
  return rows as unknown as T[];
}

interface Shape<T> {
  readonly fields: Fields<T>;
  /** What to do about a file that is broken. */
  readonly remedy: string;
}

/**
 * The same value, once it is an object with these fields.
 * @param where Its file, or its place in one.
 * @throws InputError naming the place and the field
 */
export function checkedObject<T>(where: string, value: unknown, { fields, remedy }: Shape<T>): T {
  const problem = problemOf(value, fields);
  if (problem !== null) throw new InputError({ where, problem, remedy });
  return value as T;
}

/** The object in a JSON file, once it has these fields. @throws InputError naming the file and the field */
export const readRecord = <T>(path: string, shape: Shape<T>): T =>
  checkedObject(path, readJson(path), shape);
