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
 * The same rows, each once it has these fields.
 * @throws InputError naming the file, the row and the field
 */
export function* eachChecked<T>(
  path: string,
  rows: Iterable<unknown>,
  fields: Fields<T>,
): Generator<T> {
  let place = 0;
  for (const row of rows) {
    place++;
    const problem = problemOf(row, fields);
    if (problem !== null)
      throw new InputError({ where: path, problem: `row ${place}: ${problem}` });
    yield row as T;
  }
}

/** All of `eachChecked`. */
export const checkedRows = <T>(path: string, rows: Iterable<unknown>, fields: Fields<T>): T[] => [
  ...eachChecked(path, rows, fields),
];

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
