/** Stages of a pipeline with their configs resolved: references looked up, files read, keys checked. */
import { dirname, resolve, sep } from 'node:path';
import {
  type CommandName,
  type ConfigSchema,
  commandSchemas,
  environmentLookup,
  inputPaths,
  interpolateTree,
  type Layer,
  type Lookup,
  overrideLayer,
  ownPath,
  readYamlFile,
  resolveConfig,
} from '../../config/index.js';
import { InputError, InputErrors } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';
import { companionsOf } from '../outputs/companions.js';
import type { PipelineFile, StageEntry } from './file.js';
import { type Gate, parseGate, stagesIn } from './gate.js';
import type { GridPoint } from './grid.js';
import { type EarlierStages, findStage, NeedsFailedStage, stageLookup } from './references.js';

/** A gate or target with its text. */
interface Condition {
  readonly text: string;
  readonly test: Gate;
}

export interface Stage {
  readonly id: string;
  readonly command: CommandName;
  readonly config: Readonly<Record<string, unknown>>;
  readonly point: GridPoint | null;
  /** Ids of the stages whose outputs this one reads, or that it names in `needs`. */
  readonly upstream: readonly string[];
  /** Ids of the stages with whose results its gate and targets compare. */
  readonly compared: readonly string[];
  /** Files and folders it reads that no stage of the pipeline makes. */
  readonly inputs: readonly string[];
  /** Folder or file it writes, or null. */
  readonly output: string | null;
  /** Files that it writes beside it. */
  readonly files: readonly string[];
  readonly gate: Condition | null;
  readonly targets: readonly Condition[];
  /** `file:line`. */
  readonly where: string;
}

const schemaOf = (command: CommandName): ConfigSchema => commandSchemas[command];

export const hasKey = (command: CommandName, key: string): boolean =>
  Object.hasOwn(schemaOf(command).shape, key);

/** Every stage, in order. @throws InputError for all that is wrong, with `file:line` or the command line. */
export function resolveStages(file: PipelineFile): Stage[] {
  const done: Stage[] = [];
  const failed = new Set<string>();
  const errors: InputError[] = [];
  for (const entry of file.entries) {
    try {
      done.push(resolveStage(file, entry, { done, failed }));
    } catch (error) {
      failed.add(entry.id);
      if (error instanceof InputError) errors.push(error);
      else if (!(error instanceof NeedsFailedStage)) throw error;
    }
  }
  if (errors.length > 0) throw InputErrors.of(errors);
  return pickPart(file, done);
}

/** The stages of the part that is to run, and all that they need. @throws InputError on an unknown part */
function pickPart({ part, entries, yaml, note }: PipelineFile, stages: readonly Stage[]): Stage[] {
  const idsOf = (isPicked: (entry: StageEntry) => boolean): Set<string> =>
    new Set(entries.filter(isPicked).map(({ id }) => id));
  const asked = idsOf(({ id, spec }) => part === 'full' || id === part || spec.part === part);
  const wanted = idsOf(({ id, spec }) => id === part || (asked.has(id) && !spec.when_needed));
  if (asked.size === 0) {
    const parts = entries.flatMap(({ spec }) => spec.part ?? []);
    throw new InputError({
      where: yaml.path,
      problem: `stage=${part}: there is no such part or stage`,
      remedy: `Give full, ${[...new Set([...parts, ...stages.map(({ id }) => id)])].join(', ')}`,
    });
  }
  if (wanted.size === 0) {
    throw new InputError({
      where: yaml.path,
      problem: 'every stage is made when needed, and none needs one',
      remedy: 'Leave when_needed out where a stage is to run',
    });
  }
  for (const { id, upstream, compared } of stages.toReversed()) {
    if (wanted.has(id)) for (const needed of [...upstream, ...compared]) wanted.add(needed);
    else if (asked.has(id)) note?.(`stage ${id}: left out, no stage needs it`);
  }
  return stages.filter(({ id }) => wanted.has(id));
}

function resolveStage(file: PipelineFile, entry: StageEntry, earlier: EarlierStages<Stage>): Stage {
  const { spec, place } = entry;
  const where = file.yaml.where(place);
  const used = new Set(spec.needs.map((name) => findStage({ name, entry, earlier, where }).id));
  const lookup = stageLookup(file, { entry, earlier, used });
  const layers = layersOf(file, entry, lookup);
  const config = resolveConfig(schemaOf(spec.command), layers, file.note);
  const inputs: string[] = [];
  for (const path of inputPaths(schemaOf(spec.command), config)) {
    const maker = makerOf(path, earlier.done);
    if (maker === undefined) inputs.push(path);
    else used.add(maker.id);
  }
  const compared = new Set<string>();
  const condition = (text: string, key: string): Condition => {
    const at = file.yaml.where([...place, key]);
    const test = parseGate(text, at);
    for (const name of stagesIn(text, at)) {
      if (name !== spec.name) compared.add(findStage({ name, entry, earlier, where: at }).id);
    }
    return { text, test };
  };
  const gate = spec.stop_if === null ? null : condition(spec.stop_if, 'stop_if');
  const targets = spec.targets.map((text) => condition(text, 'targets'));
  return {
    id: entry.id,
    command: spec.command,
    config,
    point: entry.point,
    upstream: [...used],
    compared: [...compared],
    inputs,
    output: outputOf(config),
    files: filesOf(spec.command, config),
    gate,
    targets,
    where,
  };
}

function outputOf(config: Stage['config']): string | null {
  const output = config.output_dir ?? config.output;
  return typeof output === 'string' ? output : null;
}

const filesOf = (command: CommandName, config: Stage['config']): string[] => [
  ...[config.table, config.rows_file, config.results_file].filter(
    (path) => typeof path === 'string',
  ),
  ...companionsOf(command, config),
];

/** The stage that writes a path as a file, or whose output holds it; of nested outputs the innermost. */
function makerOf(path: string, stages: readonly Stage[]): Stage | undefined {
  const writer = stages.find(({ files }) => files.some((file) => resolve(file) === resolve(path)));
  if (writer !== undefined) return writer;
  return stages
    .filter(({ output }) => output !== null && isInside(path, output))
    .sort((a, b) => (b.output?.length ?? 0) - (a.output?.length ?? 0))[0];
}

function isInside(path: string, folder: string): boolean {
  const [inner, outer] = [resolve(path), resolve(folder)];
  return inner === outer || inner.startsWith(outer + sep);
}

/** Key of the folder that a command writes, or null where it writes files. */
function folderKey(command: CommandName): string | null {
  if (hasKey(command, 'output_dir')) return 'output_dir';
  return command === 'init-model' ? 'output' : null;
}

/** A stage writes to `<root>/<id>` unless the pipeline file itself says otherwise. */
function folderLayer(file: PipelineFile, { id, spec, place }: StageEntry): Layer {
  const key = folderKey(spec.command);
  return {
    value: key === null ? {} : { [key]: `${file.root}/${id}` },
    where: () => file.yaml.where(place),
  };
}

/** The layers of a stage's config, later ones over earlier ones. */
function layersOf(file: PipelineFile, entry: StageEntry, lookup: Lookup): Layer[] {
  const { spec, place, overrides } = entry;
  const over = overrides.map(overrideLayer);
  const replaced = overrides.map((word) => overriddenPath(word, spec.command));
  const keys = (written: Readonly<Record<string, unknown>>, key: string): Layer => {
    const where = (at: readonly string[]) => file.yaml.where([...place, key, ...at]);
    const value = replaced.reduce(without, written);
    return { value: interpolateTree(value, lookup, where) as Layer['value'], where };
  };
  const folder = folderLayer(file, entry);
  return [
    ...(typeof spec.config === 'string'
      ? [configFileLayer(file, spec.config), folder]
      : [folder, keys(spec.config, 'config')]),
    keys(spec.with, 'with'),
    ...over,
  ];
}

/** Path of the key that an override of a stage replaces, by its command's own name. */
function overriddenPath(override: string, command: CommandName): readonly string[] {
  const [first = '', ...rest] = (override.split('=')[0] as string).split('.');
  return [...(ownPath(schemaOf(command), first) ?? [first]), ...rest];
}

/** Without the value at a path: what is replaced refers to nothing, so its stage is not needed. */
function without(
  value: Readonly<Record<string, unknown>>,
  [key = '', ...rest]: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!Object.hasOwn(value, key)) return value;
  const { [key]: here, ...others } = value;
  if (rest.length === 0) return others;
  return isObject(here) ? { ...value, [key]: without(here, rest) } : value;
}

/** A config file stands for itself: it may refer to `env` only. */
function configFileLayer(file: PipelineFile, path: string): Layer {
  const { value, where } = readYamlFile(resolve(dirname(file.yaml.path), path));
  const resolved = interpolateTree(value, environmentLookup(file.env), where);
  return { value: resolved as Layer['value'], where };
}
