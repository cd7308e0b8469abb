/** Defaults < file < command line, in one place. */
import type { z } from 'zod';
import { InputError, InputErrors } from '../util/errors.js';
import { valueAt } from '../util/json-object.js';
import { environmentLookup, interpolated } from './interpolate.js';
import type { ConfigSchema } from './introspect.js';
import { issueErrors } from './issues.js';
import { refusal } from './key-names.js';
import { type Heard, type ImpliedKeys, type Layer, normalizeLayer } from './layer.js';
import { type Mapping, mergeDeep } from './merge.js';
import { overrideLayer } from './overrides.js';
import { checkOwnFiles } from './own-files.js';
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
 * @throws InputError for every wrong key and value, naming file and line (or the command line), field, value
 *   and what is expected.
 */
export function loadConfig<S extends ConfigSchema>(
  schema: S,
  { file, overrides = [], env = {}, note }: LoadOptions,
): z.output<S> {
  const layers = overrides.map(overrideLayer);
  if (file !== undefined) layers.unshift(fileLayer(file, schema, env));
  return resolveConfig(schema, layers, note);
}

/** @throws InputError where there are no keys, and on the file of a pipeline, whose keys are all of another kind */
function fileLayer(
  file: string,
  schema: ConfigSchema,
  env: Readonly<Record<string, string | undefined>>,
): Layer {
  if (Object.keys(schema.shape).length === 0) {
    const problem = 'this command has no keys, and reads no config file';
    throw new InputError({ where: file, problem, remedy: `Leave ${file} out` });
  }
  const { value, where } = readYamlFile(file);
  if (value.stages !== undefined && !Object.hasOwn(schema.shape, 'stages')) {
    throw refusal('stages', { schema, path: [] }, where(['stages'])).error;
  }
  const resolved = interpolated(value, environmentLookup(env), where);
  return { value: resolved.value as Layer['value'], where, refused: resolved.refused };
}

/** Layers, later ones over earlier ones, onto the schema's defaults. */
export function resolveConfig<S extends ConfigSchema>(
  schema: S,
  layers: readonly Layer[],
  note: Note = () => {},
): z.output<S> {
  const refused = layers.flatMap((layer) => layer.refused ?? []);
  const heard: Heard = { origins: new Map(), implied: [], refused };
  let merged: Mapping = {};
  for (const layer of layers)
    merged = mergeDeep(merged, normalizeLayer(layer, schema, heard)) as Mapping;
  for (const { values } of heard.implied) merged = mergeDeep(values, merged) as Mapping;
  const { data } = schema.safeParse(merged);
  if (heard.refused.length > 0 || data === undefined) {
    const refusals = heard.refused.map(({ error }) => error);
    throw InputErrors.of([...refusals, ...issueErrors({ schema, merged, heard })]);
  }
  checkOwnFiles(schema, data as object);
  for (const implied of heard.implied) note(noteOf(implied, data));
  return data;
}

/** What a name was read as, with the values that hold now. */
function noteOf({ written, key, value, values, where, otherwise }: ImpliedKeys, config: object) {
  const held = Object.keys(values).map((name) => `${name}=${valueAt(config, [name])}`);
  const read = [`${key}=${value}`, ...held].join(' ');
  return `${where}: ${written}=${value} is read as ${read}. ${otherwise}`;
}
