/**
 * One source of values (a file, the command line) brought onto a schema: foreign names mapped, short
 * forms expanded, untyped texts typed by their field, unknown keys refused with the nearest known one.
 */
import { z } from 'zod';
import { InputError } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
import type { ForeignName } from './foreign-name.js';
import { foreignNames } from './foreign-names.js';
import { childOf, keyDocs, schemaAt, shorthandOf, unwrap } from './introspect.js';
import { nearest } from './nearest.js';
import { typed, Untyped } from './untyped.js';

export interface Layer {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where a path of this layer stands, for error messages: `file:line` or `command line`. */
  readonly where: (path: readonly string[]) => string;
}

/** What reading the layers tells beside their values. */
export interface Heard {
  /** Where each dotted key of the merged config came from. */
  readonly origins: Map<string, string>;
  /** Names of other tools at the root whose value sets more than their own key. */
  readonly implied: ImpliedKeys[];
  /** What is wrong with keys that cannot be read; they are left out of the values. */
  readonly refused: InputError[];
}

export interface ImpliedKeys {
  readonly written: string;
  readonly key: string;
  readonly value: unknown;
  readonly where: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly otherwise: string;
}

type Mapping = Record<string, unknown>;

const isMapping = (value: unknown): value is Mapping =>
  isObject(value) && !(value instanceof Untyped);

interface Cursor {
  readonly schema: z.core.$ZodType | undefined;
  /** Path in the layer as it was written. */
  readonly written: readonly string[];
  /** Path in the schema. */
  readonly path: readonly string[];
}

/** The layer's values by the schema's own names; notes where each came from. */
export function normalizeLayer(layer: Layer, schema: z.core.$ZodType, heard: Heard): Mapping {
  const visit = (value: unknown, at: Cursor): unknown => {
    heard.origins.set(at.path.join('.'), layer.where(at.written));
    if (value instanceof Untyped) {
      const read = typed(value.text, at.schema);
      return read instanceof Object ? visit(read, at) : expandShort(read, at);
    }
    if (Array.isArray(value)) return value.map((item, i) => visit(item, step(at, String(i))));
    if (!isMapping(value)) return expandShort(value, at);
    const core = at.schema && unwrap(at.schema).core;
    if (core instanceof z.ZodObject) return visitKeys(value, { ...at, schema: core });
    return mapEntries(value, (child, key) => visit(child, step(at, key)));
  };

  const visitKeys = (value: Mapping, at: Cursor): Mapping => {
    const result: Mapping = {};
    for (const [key, child] of Object.entries(value)) {
      const where = layer.where([...at.written, key]);
      const names = ownPath(at.schema as z.core.$ZodType, key);
      if (names === undefined) {
        heard.refused.push(refusal(key, at, where));
        continue;
      }
      const below: Cursor = {
        schema: at.schema && schemaAt(at.schema, names),
        written: [...at.written, key],
        path: [...at.path, ...names],
      };
      const read = visit(child, below);
      if (at.path.length === 0)
        heard.implied.push(...impliedBy({ key, names, value: read, where }));
      if (names.length === 1 && names[0] === key && !Object.hasOwn(result, key)) result[key] = read;
      else place({ result, names, value: read, written: key, where, refused: heard.refused });
    }
    return result;
  };

  const root: Cursor = { schema, written: [], path: [] };
  return visit(layer.value, root) as Mapping;
}

const step = (at: Cursor, key: string): Cursor => ({
  schema: at.schema && childOf(at.schema, key),
  written: [...at.written, key],
  path: [...at.path, key],
});

const mapEntries = (value: Mapping, each: (child: unknown, key: string) => unknown): Mapping =>
  Object.fromEntries(Object.entries(value).map(([key, child]) => [key, each(child, key)] as const));

function expandShort(value: unknown, at: Cursor): unknown {
  const expand = at.schema && shorthandOf(at.schema);
  return expand !== undefined && typeof value === 'string' ? expand(value) : value;
}

const foreignOf = (key: string): ForeignName | undefined =>
  Object.hasOwn(foreignNames, key) ? foreignNames[key] : undefined;

/** Whether other tools use this name and its meaning here is known. */
export const isForeignName = (key: string): boolean => foreignOf(key) !== undefined;

/** The schema's own path for a key, by its own name or by that of another tool; undefined: none. */
export function ownPath(schema: z.core.$ZodType, key: string): readonly string[] | undefined {
  if (childOf(schema, key) !== undefined) return [key];
  const foreign = foreignOf(key);
  if (foreign === undefined || !('to' in foreign)) return undefined;
  return foreign.to
    .map((name) => name.split('.'))
    .find((names) => schemaAt(schema, names) !== undefined);
}

function impliedBy(given: {
  readonly key: string;
  readonly names: readonly string[];
  readonly value: unknown;
  readonly where: string;
}): ImpliedKeys[] {
  const { key: written, names, value, where } = given;
  const key = names.join('.');
  const foreign = key === written ? undefined : foreignOf(written);
  const implied = foreign !== undefined && 'to' in foreign ? foreign.implied?.[key] : undefined;
  if (implied === undefined) return [];
  return [
    { written, key, value, where, values: implied.values(value), otherwise: implied.otherwise },
  ];
}

/** Why a key that the schema does not have is refused, and what to use. */
function refusal(key: string, at: Cursor, where: string): InputError {
  const field = [...at.path, key].join('.');
  const foreign = foreignOf(key);
  if (foreign !== undefined && 'refused' in foreign) {
    return new InputError({ where, problem: `${field}: ${foreign.refused}` });
  }
  const known = keyDocs(at.schema as z.core.$ZodType).map((doc) => doc.key);
  return new InputError({
    where,
    problem: `unknown key ${JSON.stringify(field)}`,
    remedy: knownKeys(key, known, at.path),
  });
}

/** So many keys are named where none resembles the one that was written. */
const MOST_NAMED = 12;

function knownKeys(key: string, known: readonly string[], path: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) {
    return `The nearest known key is ${JSON.stringify([...path, near].join('.'))}`;
  }
  if (known.length === 0) return 'There are no keys here';
  if (known.length <= MOST_NAMED) return `Known keys are ${known.join(', ')}`;
  return "No known key resembles it; the command's --help lists all";
}

interface Placement {
  readonly result: Mapping;
  readonly names: readonly string[];
  readonly value: unknown;
  readonly written: string;
  readonly where: string;
  readonly refused: InputError[];
}

/** Puts a mapped value at its own path; a value already there is a contradiction. */
function place({ result, names, value, written, where, refused }: Placement): void {
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
  } else if (isMapping(here[last]) && isMapping(value)) {
    here[last] = mergeDeep(value, here[last]);
  } else {
    refused.push(
      new InputError({
        where,
        problem: isOwn
          ? `${field} is set as well under another name`
          : `${written} means ${field}, which is set as well`,
        remedy: 'Keep one of them',
      }),
    );
  }
}

/** `over` onto `base`: mappings merge, anything else replaces; numbered keys reach into a list. */
export function mergeDeep(base: unknown, over: unknown): unknown {
  if (!isMapping(over)) return over;
  if (Array.isArray(base) && Object.keys(over).every((key) => Number(key) < base.length)) {
    return base.map((item, i) => (String(i) in over ? mergeDeep(item, over[String(i)]) : item));
  }
  if (!isMapping(base)) return over;
  const merged: Mapping = { ...base };
  for (const [key, value] of Object.entries(over)) {
    merged[key] = key in base ? mergeDeep(base[key], value) : value;
  }
  return merged;
}
