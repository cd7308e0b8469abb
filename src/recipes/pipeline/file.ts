/** A pipeline or sweep file as read: its head resolved, its stages each with its place in the file. */
import {
  type Lookup,
  pipelineSchema,
  type StageConfig,
  sweepSchema,
  type YamlFile,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { checkPoints, type GridPoint, gridPoints, pointLabel } from './grid.js';
import { type LoadPipelineOptions, readHead } from './head.js';

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
