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

interface Parts {
  readonly config: { readonly stages: readonly StageConfig[]; readonly metrics: readonly string[] };
  /** Stages that run once. */
  readonly shared: readonly StageConfig[];
  /** Points that the others run for; null: they run once, too. */
  readonly grid: readonly GridPoint[] | null;
  readonly part: string;
}

type Head = Omit<ReturnType<typeof readHead>, 'config'>;

function fileOf(
  { stageOverrides, ...head }: Head,
  { config, shared, grid, part }: Parts,
  { note }: LoadPipelineOptions,
): PipelineFile {
  const once = listed(shared, 'shared');
  const stages = listed(config.stages, 'stages');
  checkNames(head.yaml, [...once, ...stages], stageOverrides.keys());
  const entry = ({ spec, place }: (typeof stages)[number], point: GridPoint | null) => ({
    id: point === null ? spec.name : `${pointLabel(point)}/${spec.name}`,
    spec,
    place,
    point,
    overrides: stageOverrides.get(spec.name) ?? [],
  });
  const entries = [
    ...once.map((stage) => entry(stage, null)),
    ...(grid ?? [null]).flatMap((point) => stages.map((stage) => entry(stage, point))),
  ];
  return { ...head, metrics: config.metrics, part, entries, points: grid ?? [], note };
}

/** @throws InputError with `file:line`. */
export function readPipelineFile(options: LoadPipelineOptions): PipelineFile {
  const { config, ...head } = readHead(pipelineSchema, options);
  return fileOf(head, { config, shared: [], grid: null, part: config.stage }, options);
}

/** @throws InputError with `file:line`. */
export function readSweepFile(options: LoadPipelineOptions): PipelineFile {
  const { config, ...head } = readHead(sweepSchema, options);
  const grid = gridPoints(config.grid);
  const isGiven = options.overrides?.some((word) => /^grid[.=]/.test(word)) === true;
  checkPoints(isGiven ? 'command line' : head.yaml.where(['grid']), grid);
  return fileOf(head, { config, shared: config.shared, grid, part: 'full' }, options);
}
