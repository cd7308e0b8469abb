/** Schemas of values without parts: enumerations, and numbers with their range. */
import type { JsonRow } from '../../util/files.js';
import { choice, type Expression, literal } from './grammar.js';
import { INTEGER, NUMBER } from './json-text.js';
import { MAX_DECIMALS, MAX_END, numberBetween } from './number-range.js';
import { isOfType, refused, typesOf } from './schema-keywords.js';

export function oneOfValues({ enum: values, type }: JsonRow, path: string): Expression {
  if (!Array.isArray(values) || values.length === 0) throw refused(path, 'enum has no values');
  const types = type === undefined ? null : typesOf({ type }, path);
  const fitting = values.filter((value) => types === null || types.some((t) => isOfType(value, t)));
  if (fitting.length > 0) return choice(...fitting.map((value) => literal(JSON.stringify(value))));
  throw refused(path, `no value of enum is of type ${JSON.stringify(type)}`);
}

/** A number; one with `minimum` and `maximum` has at most six digits behind the point and no exponent. */
export function numberOf(
  type: 'integer' | 'number',
  { minimum, maximum }: JsonRow,
  path: string,
): Expression {
  if (minimum === undefined && maximum === undefined) return type === 'integer' ? INTEGER : NUMBER;
  const decimals = type === 'integer' ? 0 : MAX_DECIMALS;
  const range = numberBetween(end({ minimum }, path), end({ maximum }, path), decimals);
  if (range !== null) return range;
  throw refused(path, `no ${type} lies between minimum ${minimum} and maximum ${maximum}`);
}

function end(given: JsonRow, path: string): number {
  const [key, value] = Object.entries(given)[0]!;
  if (typeof value === 'number' && Math.abs(value) <= MAX_END) return value;
  const problem = value === undefined ? 'minimum and maximum are supported together only' : null;
  throw refused(path, problem ?? `${key} is ${JSON.stringify(value)}, expected a number to 1e15`);
}
