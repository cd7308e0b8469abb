/**
 * One source of values (a file, the command line) brought onto a schema: foreign names and values mapped, short
 * forms expanded, untyped texts typed by their field, unknown keys refused with the nearest known one.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../util/errors.js';
import { homeFolder } from '../util/home.js';
import { childOf, declaredOf, schemaAt, takesPath, unwrap } from './introspect.js';
import { foreignOf, ownPath, refusal } from './key-names.js';
import { isMapping, type Mapping, place } from './merge.js';
import type { Refusal } from './refusal.js';
import { typed, Untyped } from './untyped.js';

export interface Layer {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where a path of this layer stands, for error messages: `file:line` or `command line`. */
  readonly where: (path: readonly string[]) => string;
  /** What is wrong with values that could not be read and are left out. */
  readonly refused?: readonly Refusal[];
}

/** What reading the layers tells beside their values. */
export interface Heard {
  /** Where each dotted key of the merged config came from. */
  readonly origins: Map<string, string>;
  /** Names of other tools at the root whose value sets more than their own key. */
  readonly implied: ImpliedKeys[];
  /** What is wrong with keys that cannot be read; they are left out of the values. */
  readonly refused: Refusal[];
}

export interface ImpliedKeys {
  readonly written: string;
  readonly key: string;
  readonly value: unknown;
  readonly where: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly otherwise: string;
}

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
      const contradiction = place(result, { names, value: read, written: key });
      if (contradiction !== null) {
        const error = new InputError({ where, ...contradiction });
        heard.refused.push({ error, about: below.path.join('.') });
      }
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

/** Shells expand `~/` only where a word begins, and not all after `key=`. */
const fromHome = (value: unknown, schema: z.core.$ZodType): unknown =>
  typeof value === 'string' && value.startsWith('~/') && takesPath(schema)
    ? join(homeFolder(), value.slice(2))
    : value;

function expandShort(given: unknown, { schema }: Cursor): unknown {
  if (schema === undefined) return given;
  const value = fromHome(given, schema);
  const { shorthand, same = {} } = declaredOf(schema);
  if (shorthand !== undefined && typeof value === 'string') return shorthand(value);
  const word = String(value);
  return Object.hasOwn(same, word) ? same[word] : value;
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
