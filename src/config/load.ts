/** Defaults < file < command line, in one place. */
import type { z } from 'zod';
import { InputError } from '../util/errors.js';
import { environmentLookup, interpolateTree } from './interpolate.js';
import { type ConfigSchema, expected, schemaAt, unwrap } from './introspect.js';
import { type Heard, type ImpliedKeys, type Layer, mergeDeep, normalizeLayer } from './layer.js';
import { overrideLayer } from './overrides.js';
import { checkOwnInput } from './own-input.js';
import { readYamlFile } from './yaml-file.js';

/** Takes one line on how a name of another tool was read. */
export type Note = (line: string) => void;

interface LoadOptions {
  /** YAML file. */
  readonly file?: string;
  /** `key=value` with dotted keys, in order. */
  readonly overrides?: readonly string[];
  /** Environment of `${env:NAME}` in the file. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly note?: Note;
}

/**
 * A config of one command.
 * @throws InputError naming file and line (or the command line), field, value and what is expected.
 */
export function loadConfig<S extends ConfigSchema>(
  schema: S,
  { file, overrides = [], env = {}, note }: LoadOptions,
): z.output<S> {
  const layers = overrides.map(overrideLayer);
  if (file !== undefined) layers.unshift(fileLayer(file, env));
  return resolveConfig(schema, layers, note);
}

function fileLayer(file: string, env: Readonly<Record<string, string | undefined>>): Layer {
  const { value, where } = readYamlFile(file);
  const resolved = interpolateTree(value, environmentLookup(env), where);
  return { value: resolved as Record<string, unknown>, where };
}

/** Layers, later ones over earlier ones, onto the schema's defaults. */
export function resolveConfig<S extends ConfigSchema>(
  schema: S,
  layers: readonly Layer[],
  note: Note = () => {},
): z.output<S> {
  const heard: Heard = { origins: new Map(), implied: [], refused: [] };
  let merged: unknown = {};
  for (const layer of layers) merged = mergeDeep(merged, normalizeLayer(layer, schema, heard));
  if (heard.refused.length > 0) throw allRefused(heard.refused);
  for (const { values } of heard.implied) merged = mergeDeep(values, merged);
  const result = schema.safeParse(merged);
  if (!result.success) {
    const issue = result.error.issues[0] as z.core.$ZodIssue;
    throw issueError(issue, { schema, merged, origins: heard.origins });
  }
  checkOwnInput(schema, result.data as object);
  for (const implied of heard.implied) note(noteOf(implied, result.data));
  return result.data;
}

/** One error for all keys that cannot be read. */
function allRefused(errors: readonly InputError[]): InputError {
  const [first, ...others] = errors as [InputError, ...InputError[]];
  if (others.length === 0) return first;
  return new InputError(errors.map(({ message }) => message).join('; '));
}

/** What a name was read as, with the values that hold now. */
function noteOf({ written, key, value, values, where, otherwise }: ImpliedKeys, config: object) {
  const held = Object.keys(values).map((name) => `${name}=${valueAt(config, [name])}`);
  const read = [`${key}=${value}`, ...held].join(' ');
  return `${where}: ${written}=${value} is read as ${read}. ${otherwise}`;
}

interface Context {
  readonly schema: z.core.$ZodType;
  readonly merged: unknown;
  readonly origins: Heard['origins'];
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let here = root;
  for (const key of path) here = (here as Record<string, unknown> | undefined | null)?.[key];
  return here;
}

/** Where the value at a path, or its nearest parent, was written. */
function originOf(path: readonly string[], origins: Heard['origins']): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function issueError(issue: z.core.$ZodIssue, { schema, merged, origins }: Context): InputError {
  const path = issue.path.map(String);
  const field = path.join('.');
  const origin = originOf(path, origins);
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
  return new InputError({
    ...where,
    problem: `${field} is ${JSON.stringify(value)}, expected ${expected(target)}${value === '' ? ', not empty' : ''}`,
  });
}
