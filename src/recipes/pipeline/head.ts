/**
 * The head of a pipeline or sweep file, resolved: root, vars, grid and the other keys beside the stages, which
 * keep their references; and what the command line sets of each stage.
 */
import {
  type ConfigSchema,
  commandSchemas,
  environmentLookup,
  interpolateTree,
  type Layer,
  type Lookup,
  overrideLayer,
  pipelineSchema,
  readYamlFile,
  refusePipelineReference,
  resolveConfig,
  type YamlFile,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { valueAt } from '../../util/json-object.js';
import { nearest } from '../../util/nearest.js';
import { ownOverrides } from './foreign-flags.js';
import { runFolder } from './run-folder.js';

export interface LoadPipelineOptions {
  readonly file: string;
  /** `vars.x=…`, `root=…`, `grid.x=…`, `stages.NAME.key=…`. */
  readonly overrides?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Takes lines on how names of other tools were read. */
  readonly note?: (line: string) => void;
  /** Stamps a new run folder. */
  readonly now?: Date;
}

const STAGE_OVERRIDE = /^stages\.([A-Za-z0-9][\w-]*)\.(.+)$/s;

interface HeadLayers {
  readonly yaml: YamlFile;
  readonly overrides: readonly string[];
}

/** One key of the head by itself: the file's value with its references, then the overrides of it. */
function readHeadKey<S extends ConfigSchema>(
  schema: S,
  { yaml, overrides }: HeadLayers,
  lookup: Lookup,
) {
  const [key = ''] = Object.keys(schema.shape);
  const written = key in yaml.value ? { [key]: yaml.value[key] } : {};
  const value = interpolateTree(written, lookup, yaml.where) as Layer['value'];
  const over = overrides.map(overrideLayer).filter((layer) => key in layer.value);
  return resolveConfig(schema, [{ value, where: yaml.where }, ...over]);
}

const rootSchema = pipelineSchema.pick({ root: true });
const runFolderSchema = pipelineSchema.pick({ run_folder: true });
const varsSchema = pipelineSchema.pick({ vars: true });

/** @throws InputError on a file without stages, which names the commands that read its keys */
function checkStages({ path, value }: YamlFile): void {
  if (value.stages !== undefined || value.shared !== undefined) return;
  const keys = Object.keys(value);
  const readers = Object.entries(commandSchemas)
    .filter(([, { shape }]) => keys.every((key) => Object.hasOwn(shape, key.split('.')[0] ?? '')))
    .map(([name]) => name);
  const command = keys.length === 0 || readers.length === 0 ? 'COMMAND' : readers.join('|');
  throw new InputError({
    where: path,
    problem: 'it has no stages',
    remedy: `A file with the keys of one command is for that: lorikeet ${command} ${path}`,
  });
}

/** @throws InputError on a variable, or a name of the grid, that nothing in the file goes by */
function checkFreeNames({ path, value }: YamlFile, overrides: readonly string[]): void {
  const text = JSON.stringify(value);
  for (const override of overrides) {
    const [, key, name] = /^(vars|grid)\.([\w-]+)/.exec(override) ?? [];
    if (key === undefined || name === undefined) continue;
    const known = Object.keys((value[key] as object | null | undefined) ?? {});
    if (known.includes(name) || new RegExp(`\\$\\{${key}\\.${name}(?![\\w-])`).test(text)) continue;
    const near = nearest(name, known);
    throw new InputError({
      where: 'command line',
      problem: `${path} has no ${key}.${name}`,
      remedy:
        near === undefined
          ? `Known are ${known.join(', ') || 'none'}`
          : `The nearest is ${key}.${near}`,
    });
  }
}

/** @throws InputError on the file of a sweep given to `run`, and on that of a pipeline given to `sweep` */
function checkKind(schema: ConfigSchema, { path, value }: YamlFile, overrides: readonly string[]) {
  const isSweep = Object.hasOwn(schema.shape, 'grid');
  const key = ['grid', 'shared'].find((name) => Object.hasOwn(value, name));
  if (!isSweep && key !== undefined) {
    throw new InputError({
      where: path,
      problem: `it has ${key}, so it is the file of a sweep`,
      remedy: `Give it to lorikeet sweep ${path}`,
    });
  }
  if (!isSweep || key !== undefined || overrides.some((word) => word.startsWith('grid'))) return;
  throw new InputError({
    where: path,
    problem: 'it has no grid of values to run its stages for',
    remedy: `Give it to lorikeet run ${path}, or a grid, as grid.n='[16, 32]'`,
  });
}

/** The head of a file: root may refer to `env`, vars also to `root` and `run`, everything else also to `vars`. */
export function readHead<S extends ConfigSchema>(schema: S, options: LoadPipelineOptions) {
  const { file, env = {}, now = new Date(), note = () => {} } = options;
  const yaml = readYamlFile(file);
  checkStages(yaml);
  options.overrides?.forEach(refusePipelineReference);
  const overrides = ownOverrides(options.overrides ?? [], { yaml, note });
  checkKind(schema, yaml, overrides);
  checkFreeNames(yaml, overrides);
  const layers = { yaml, overrides: overrides.filter((word) => !STAGE_OVERRIDE.test(word)) };
  const fromEnv = environmentLookup(env);
  const { root } = readHeadKey(rootSchema, layers, fromEnv);
  const { run_folder: choice } = readHeadKey(runFolderSchema, layers, fromEnv);
  const folders: Readonly<Record<string, string>> = { root, run: runFolder(root, choice, now) };
  const withRoot: Lookup = (reference, where) => folders[reference] ?? fromEnv(reference, where);
  const { vars } = readHeadKey(varsSchema, layers, withRoot);
  const lookup: Lookup = (reference, where) =>
    reference.startsWith('vars.')
      ? valueAt(vars, reference.split('.').slice(1))
      : withRoot(reference, where);
  const { stages, shared, ...rest } = yaml.value;
  const raw = Object.fromEntries(
    Object.entries({ stages, shared }).filter(([, value]) => value !== undefined),
  );
  const head = interpolateTree({ ...rest, vars: {} }, lookup, yaml.where);
  const value = { ...(head as Layer['value']), ...raw, vars };
  const others = layers.overrides.filter((word) => !/^(root|vars)[.=]/.test(word));
  const config = resolveConfig(schema, [
    { value: { ...value, root }, where: yaml.where },
    ...others.map(overrideLayer),
  ]);
  return {
    yaml,
    config,
    lookup,
    env,
    root: folders.run as string,
    stageOverrides: stageOverridesOf(overrides),
  };
}

function stageOverridesOf(overrides: readonly string[]): Map<string, string[]> {
  const byStage = new Map<string, string[]>();
  for (const override of overrides) {
    const [, name, rest] = STAGE_OVERRIDE.exec(override) ?? [];
    if (name === undefined || rest === undefined) continue;
    byStage.set(name, [...(byStage.get(name) ?? []), rest]);
  }
  return byStage;
}
