/** The keys that a pipeline takes on the command line, by the names in its file: `stages.sft.seed`, `vars.model`. */
import { z } from 'zod';
import { isObject } from '../util/json-object.js';
import { commandSchemas } from './commands.js';
import type { ConfigSchema } from './introspect.js';
import { readYamlFile } from './yaml-file.js';

const named = (fields: Iterable<readonly [string, z.core.$ZodType]>) =>
  z.strictObject(Object.fromEntries(fields));

/** Texts of one key of the stages, each once. */
const textsOf = (stages: readonly Record<string, unknown>[], key: string): string[] => [
  ...new Set(stages.flatMap(({ [key]: text }) => (typeof text === 'string' ? [text] : []))),
];

/** @param schema That of `run` or `sweep`. @throws InputError as `readYamlFile` */
export function pipelineKeys(schema: ConfigSchema, path: string): ConfigSchema {
  const { value } = readYamlFile(path);
  const stages = [value.shared, value.stages].flat().filter(isObject);
  const commands = stages.flatMap(({ name, command }) => {
    const own = Object.entries(commandSchemas).find(([known]) => known === command)?.[1];
    return typeof name === 'string' && own !== undefined ? [[name, own] as const] : [];
  });
  const free = ['vars', 'grid'].flatMap((key) => {
    const names = isObject(value[key]) ? Object.keys(value[key]) : [];
    return [[key, named(names.map((name) => [name, z.unknown()] as const))] as const];
  });
  const { stage, ...shape } = schema.shape;
  const parts = ['full', ...textsOf(stages, 'part'), ...textsOf(stages, 'name')];
  const own = { ...Object.fromEntries(free), stages: named(commands), stage: z.enum(parts) };
  const taken = Object.entries(own).filter(([key]) => key in shape || (key === 'stage' && stage));
  return z.strictObject({ ...shape, ...Object.fromEntries(taken) });
}
