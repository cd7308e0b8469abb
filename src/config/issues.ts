/** What a schema finds wrong with the merged values, as errors that name where each was written. */
import { z } from 'zod';
import { InputError } from '../util/errors.js';
import { valueAt } from '../util/json-object.js';
import { issuesBetween } from './between-keys.js';
import {
  type ConfigSchema,
  declaredOf,
  expected,
  mappingOf,
  schemaAt,
  unwrap,
} from './introspect.js';
import { ownPath } from './key-names.js';
import type { Heard } from './layer.js';
import type { Mapping } from './merge.js';

interface Context {
  readonly schema: ConfigSchema;
  /** The values that the schema was given. */
  readonly merged: Mapping;
  readonly heard: Pick<Heard, 'origins' | 'refused'>;
}

/**
 * An error for each issue: those of single keys, then those between keys, as far as they follow from keys that are
 * right. A key that a refusal names may be what was meant there: nothing is said of its absence.
 */
export function issueErrors(context: Context): InputError[] {
  const { schema, merged, heard } = context;
  const words = heard.refused.flatMap(({ about }) => about.match(/\w[\w.]*/g) ?? []);
  const heads = words.map((word) => word.replace(/\..*/, ''));
  const named = new Set(heads.flatMap((head) => ownPath(schema, head)?.[0] ?? []));
  const wrong = new Set<string>();
  const values: Mapping = {};
  const own = Object.entries(schema.shape).flatMap(([key, field]) => {
    const { data, error } = z.safeParse(field, merged[key]);
    if (error !== undefined || named.has(key)) wrong.add(key);
    else values[key] = data;
    const issues = (error?.issues ?? []).map((issue) => ({ ...issue, path: [key, ...issue.path] }));
    return named.has(key) ? issues.filter((issue) => isOfValue(issue, merged)) : issues;
  });
  const issues = [...own, ...issuesBetween(schema, values, wrong)];
  return issues.map((issue) => issueError(issue, context));
}

const isOfValue = ({ code, path }: z.core.$ZodIssue, merged: unknown): boolean =>
  code !== 'custom' && valueAt(merged, path.map(String)) !== undefined;

/** Where the value at a path, or its nearest parent, was written. */
function originOf(path: readonly string[], origins: Heard['origins']): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/** JSON has no word for the numbers .inf and .nan of YAML. */
const shown = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));

/** What `expected` leaves out because it is so of every text, or of every whole number. */
function limitOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === '') return ', not empty';
  const isUnsafe = 'note' in issue && issue.note !== undefined;
  return isUnsafe ? `, of at most ${Number.MAX_SAFE_INTEGER} (2^53 - 1) in size` : '';
}

function issueError(issue: z.core.$ZodIssue, { schema, merged, heard }: Context): InputError {
  const path = issue.path.map(String);
  const field = path.join('.');
  const origin = originOf(path, heard.origins);
  const where = origin === undefined ? {} : { where: origin };
  if (issue.code === 'custom') {
    return new InputError({ ...where, problem: `${field}: ${issue.message}` });
  }
  const target = schemaAt(schema, path) ?? schema;
  const value = valueAt(merged, path);
  if (value === undefined) {
    const { doc } = unwrap(target);
    const hint = path.length === 1 ? `Give ${field}=… or write it in the config file` : '';
    return new InputError({
      ...where,
      problem: `required key ${field} is missing${doc === '' ? '' : ` (${doc})`}`,
      ...(hint === '' ? {} : { remedy: hint }),
    });
  }
  const { core } = unwrap(target);
  const wanted = core instanceof z.ZodObject ? mappingOf(core) : expected(target);
  const { refused = {} } = declaredOf(target);
  if (typeof value === 'string' && Object.hasOwn(refused, value)) {
    return new InputError({ ...where, problem: `${field}: ${refused[value]}` });
  }
  return new InputError({
    ...where,
    problem: `${field} is ${shown(value)}, expected ${wanted}${limitOf(issue, value)}`,
  });
}
