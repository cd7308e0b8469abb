/**
 * A pipeline or sweep file as read: its head (root, vars, grid) resolved, its stages still with their
 * references, each with its place in the file.
 */
import {
  type ConfigSchema,
  commandSchemas,
  environmentLookup,
  interpolateTree,
  type Layer,
  type Lookup,
  nearest,
  overrideLayer,
  pipelineSchema,
  readYamlFile,
  resolveConfig,
  type StageConfig,
  sweepSchema,
  type YamlFile,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { valueAt } from '../../util/json-object.js';
import { ownOverrides } from './foreign-flags.js';
import { checkPoints, type GridPoint, gridPoints, pointLabel } from './grid.js';
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

export interface StageEntry {
  /** Unique; in a sweep `<grid values>/<name>`. */
  readonly id: string;
  readonly spec: StageConfig;
  /** Path of the stage in the file. */
  readonly place: readonly string[];
  readonly point: GridPoint | null;
  /** `key=value` for this stage. */
  readonly overrides: readonly string[];
}

export interface PipelineFile {
  readonly yaml: YamlFile;
  /** Of outputs and states: the file's root, or the run folder in it. */
  readonly root: string;
  readonly metrics: readonly string[];
  /** Part or stage that is to run; `full` is all. */
  readonly part: string;
  readonly entries: readonly StageEntry[];
  readonly points: readonly GridPoint[];
  /** `env:NAME`, `root`, `run` and `vars.NAME`. */
  readonly lookup: Lookup;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly note?: ((line: string) => void) | undefined;
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

/** The head of a file: root may refer to `env`, vars also to `root` and `run`, everything else also to `vars`. */
function readHead<S extends ConfigSchema>(schema: S, options: LoadPipelineOptions) {
  const { file, env = {}, now = new Date(), note = () => {} } = options;
  const yaml = readYamlFile(file);
  checkStages(yaml);
  const overrides = ownOverrides(options.overrides ?? [], { yaml, note });
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

/** @throws InputError on two stages of one name, and on overrides of stages that are not there. */
function checkNames(
  yaml: YamlFile,
  stages: readonly { readonly spec: StageConfig; readonly place: readonly string[] }[],
  overridden: Iterable<string>,
): void {
  const names = new Set<string>();
  for (const { spec, place } of stages) {
    if (names.has(spec.name)) {
      throw new InputError({
        where: yaml.where(place),
        problem: `two stages are called ${JSON.stringify(spec.name)}`,
        remedy: 'Rename one',
      });
    }
    names.add(spec.name);
  }
  for (const name of overridden) {
    if (names.has(name)) continue;
    throw new InputError({
      where: 'command line',
      problem: `there is no stage ${JSON.stringify(name)}`,
      remedy: `The stages are ${[...names].join(', ')}`,
    });
  }
}

const listed = (specs: readonly StageConfig[], key: string) =>
  specs.map((spec, index) => ({ spec, place: [key, String(index)] }));

/** @throws InputError with `file:line`. */
export function readPipelineFile(options: LoadPipelineOptions): PipelineFile {
  const { yaml, config, root, lookup, env, stageOverrides } = readHead(pipelineSchema, options);
  const stages = listed(config.stages, 'stages');
  checkNames(yaml, stages, stageOverrides.keys());
  const entries = stages.map(({ spec, place }) => ({
    id: spec.name,
    spec,
    place,
    point: null,
    overrides: stageOverrides.get(spec.name) ?? [],
  }));
  const { metrics, stage: part } = config;
  return {
    yaml,
    root,
    metrics,
    part,
    entries,
    points: [],
    lookup,
    env,
    note: options.note,
  };
}

/** @throws InputError with `file:line`. */
export function readSweepFile(options: LoadPipelineOptions): PipelineFile {
  const { yaml, config, root, lookup, env, stageOverrides } = readHead(sweepSchema, options);
  const shared = listed(config.shared, 'shared');
  const stages = listed(config.stages, 'stages');
  checkNames(yaml, [...shared, ...stages], stageOverrides.keys());
  const overridesOf = (name: string) => stageOverrides.get(name) ?? [];
  const points = gridPoints(config.grid);
  const isGiven = options.overrides?.some((word) => /^grid[.=]/.test(word)) === true;
  checkPoints(isGiven ? 'command line' : yaml.where(['grid']), points);
  const entries: StageEntry[] = [
    ...shared.map(({ spec, place }) => ({
      id: spec.name,
      spec,
      place,
      point: null,
      overrides: overridesOf(spec.name),
    })),
    ...points.flatMap((point) =>
      stages.map(({ spec, place }) => ({
        id: `${pointLabel(point)}/${spec.name}`,
        spec,
        place,
        point,
        overrides: overridesOf(spec.name),
      })),
    ),
  ];
  const { metrics } = config;
  const { note } = options;
  return { yaml, root, metrics, part: 'full', entries, points, lookup, env, note };
}
