/** Fields of PEFT's JSON config: what each may be, and how an error says it. */
import { InputError } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
import { namePattern } from './name-pattern.js';

/** What a field may be: a check, and how an error says it. */
interface Kind<T> {
  readonly is: (value: unknown) => value is T;
  readonly says: string;
}

const kind = <T>(says: string, is: (value: unknown) => value is T): Kind<T> => ({ is, says });

export const NUMBER = kind('a number', (value) => typeof value === 'number');
export const TEXT = kind('a text', (value) => typeof value === 'string');
export const BOOLEAN = kind('true or false', (value) => typeof value === 'boolean');
export const POSITIVE = kind(
  'a number above 0',
  (value): value is number => NUMBER.is(value) && value > 0,
);
export const RANK = kind(
  'a positive integer',
  (value): value is number => POSITIVE.is(value) && value % 1 === 0,
);
export const INIT = kind(
  'true, false or a name',
  (value): value is boolean | string => BOOLEAN.is(value) || TEXT.is(value),
);
export const PATTERN = kind(
  'a regular expression',
  (value): value is string => TEXT.is(value) && namePattern(value) !== null,
);
export const NAMES = kind(
  'a list of names or a regular expression',
  (value): value is string | string[] => PATTERN.is(value) || listOf(TEXT).is(value),
);

function listOf<T>({ is, says }: Kind<T>): Kind<T[]> {
  return kind(
    `a list, each ${says}`,
    (value): value is T[] => Array.isArray(value) && value.every(is),
  );
}

export function oneOrMore<T>(item: Kind<T>): Kind<T | T[]> {
  const list = listOf(item);
  const is = (value: unknown): value is T | T[] => item.is(value) || list.is(value);
  return kind(`${item.says}, or a list of such`, is);
}

export const oneOf = <T extends string>(names: readonly T[]): Kind<T> =>
  kind(names.join(', '), (value): value is T => names.some((name) => name === value));

/** By patterns of modules. */
export function recordOf<T>({ is, says }: Kind<T>): Kind<Record<string, T>> {
  return kind(
    `a mapping of regular expressions, each to ${says}`,
    (value): value is Record<string, T> =>
      isObject(value) && Object.entries(value).every(([key, own]) => PATTERN.is(key) && is(own)),
  );
}

/** Reads one field; an absent or null field takes the fallback, if there is one. */
export function fieldReader(where: string, fields: Readonly<Record<string, unknown>>) {
  return <T, F = never>(name: string, { is, says }: Kind<T>, fallback?: F): T | F => {
    const value = fields[name];
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    if (is(value)) return value;
    const found = value === undefined ? 'missing' : JSON.stringify(value);
    throw new InputError({ where, problem: `field "${name}" is ${found}, expected ${says}` });
  };
}

/** PEFT takes one value or a list, and treats an empty list as absent. */
export function listOrNull<T extends string | number>(value: T | T[] | null): readonly T[] | null {
  if (value === null) return null;
  const list = Array.isArray(value) ? value : [value];
  return list.length === 0 ? null : list;
}
