/** Mappings laid over each other, and values put at their place in one. */
import { isObject } from '../util/json-object.js';
import { Untyped } from './untyped.js';

export type Mapping = Record<string, unknown>;

export const isMapping = (value: unknown): value is Mapping =>
  isObject(value) && !(value instanceof Untyped);

/** `over` onto `base`: mappings merge, anything else replaces; numbered keys reach into a list. */
export function mergeDeep(base: unknown, over: unknown): unknown {
  if (!isMapping(over)) return over;
  if (Array.isArray(base) && Object.keys(over).every((key) => isIndexOf(base, key))) {
    return base.map((item, i) => (String(i) in over ? mergeDeep(item, over[String(i)]) : item));
  }
  if (!isMapping(base)) return over;
  const merged: Mapping = { ...base };
  for (const [key, value] of Object.entries(over)) {
    merged[key] = key in base ? mergeDeep(base[key], value) : value;
  }
  return merged;
}

const isIndexOf = (list: readonly unknown[], key: string): boolean =>
  /^\d+$/.test(key) && Object.hasOwn(list, key);

interface Placement {
  readonly names: readonly string[];
  readonly value: unknown;
  /** The key as it was written. */
  readonly written: string;
}

interface Contradiction {
  readonly problem: string;
  readonly remedy: string;
}

/** Puts a value at its path in `result`; what is wrong where another value is there already, else null. */
export function place(result: Mapping, { names, value, written }: Placement): Contradiction | null {
  const field = names.join('.');
  const isOwn = written === field;
  let here = result;
  for (const name of names.slice(0, -1)) {
    if (!isMapping(here[name])) here[name] = {};
    here = here[name] as Mapping;
  }
  const last = names[names.length - 1] as string;
  if (!Object.hasOwn(here, last)) {
    here[last] = value;
    return null;
  }
  if (isMapping(here[last]) && isMapping(value)) {
    here[last] = mergeDeep(value, here[last]);
    return null;
  }
  return {
    problem: isOwn
      ? `${field} is set as well under another name`
      : `${written} means ${field}, which is set as well`,
    remedy: 'Keep one of them',
  };
}
