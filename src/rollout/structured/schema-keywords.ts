/** Keywords of a JSON Schema: which are known, which say nothing about the texts, and how they are read. */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';

/** Keywords that say nothing about which texts are valid. */
const ANNOTATIONS = [
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default'],
  ...['examples', 'deprecated', 'readOnly', 'writeOnly'],
];

export const TYPES = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  integer: ['minimum', 'maximum'],
  number: ['minimum', 'maximum'],
  boolean: [],
  null: [],
} as const satisfies Record<string, readonly string[]>;

export type TypeName = keyof typeof TYPES;

const isTypeName = (name: unknown): name is TypeName =>
  typeof name === 'string' && Object.hasOwn(TYPES, name);

export function refused(path: string, problem: string): InputError {
  return new InputError({ where: `response_format schema ${path}`, problem });
}

/** @throws InputError naming the first keyword that is none of these and no annotation. */
export function only(schema: JsonRow, path: string, keywords: readonly string[]): JsonRow {
  for (const key of Object.keys(schema)) {
    if (keywords.includes(key) || ANNOTATIONS.includes(key)) continue;
    throw refused(path, `the keyword "${key}" is not supported here`);
  }
  return schema;
}

/** Declared types, or those that the keywords speak of; none where any value may stand. */
export function typesOf(schema: JsonRow, path: string): readonly TypeName[] {
  const { type } = schema;
  if (type === undefined) {
    const names = Object.keys(TYPES) as TypeName[];
    return names.filter((name) => TYPES[name].some((key) => schema[key] !== undefined));
  }
  const types = Array.isArray(type) ? type : [type];
  const bad = types.find((name) => !isTypeName(name));
  if (bad !== undefined || types.length === 0) {
    throw refused(
      path,
      `type ${JSON.stringify(bad ?? type)} is none of ${Object.keys(TYPES).join(', ')}`,
    );
  }
  return types as TypeName[];
}

export function isOfType(value: unknown, type: TypeName): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

export function bounds(
  schema: JsonRow,
  [low, high]: readonly [string, string],
  path: string,
): { readonly min: number; readonly max: number | null } {
  const [min, max] = [count(schema, low, path) ?? 0, count(schema, high, path)];
  if (max !== null && min > max) throw refused(path, `${low} ${min} is more than ${high} ${max}`);
  return { min, max };
}

/** Longest repetition that is counted. */
const MAX_COUNT = 10_000;

function count(schema: JsonRow, key: string, path: string): number | null {
  const value = schema[key];
  if (value === undefined) return null;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT) {
    return value as number;
  }
  throw refused(path, `${key} is ${JSON.stringify(value)}, expected 0 to ${MAX_COUNT}`);
}
