/**
 * The folder of one run: it holds the resolved config and `run.json`, and names the places of
 * everything else a run writes.
 */
import { isAbsolute, join, normalize, sep } from 'node:path';
import { InputError, messageOf } from '../../util/errors.js';
import { writeFileAtomic, writeJson } from '../../util/files.js';
import type { LockHolder } from '../../util/lock.js';
import { type ConfigDifference, configDifferences } from './config-differences.js';
import { PhaseClock } from './phases.js';
import { checkFileName } from './run-files.js';
import { assertHeld, holdsRun, unlockRun } from './run-lock.js';
import { type RunPaths, runPaths } from './run-paths.js';
import {
  baseVersions,
  configHash,
  machineFacts,
  makeRunId,
  type ReadSource,
  type RunRecord,
  type RunStatus,
} from './run-record.js';

export interface OpenRunOptions {
  /** `never`, `auto` (go on when the folder holds a run), or the path of a checkpoint; absent: cannot. */
  readonly resume?: string;
  readonly overwrite?: boolean;
  /** Files and folders that the run reads: `overwrite` is refused where it would delete one. */
  readonly reads?: readonly string[];
  /** Models and data sets that were read before the folder was opened. */
  readonly sources?: readonly ReadSource[];
  /** The resolved config: as YAML for config.yaml, and as a value for run.json. */
  readonly config: { readonly text: string; readonly values: unknown };
  /** `sft`, `grpo`, `eval`, …: a folder is gone on with by the same command only. */
  readonly command: string;
  readonly stage?: string | null;
  /** Of a folder named after the run id; made from config and clock by default. */
  readonly runId?: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly device?: string | null;
  readonly seeds?: Readonly<Record<string, number>>;
  /** When the call began. */
  readonly now?: Date;
}

type RunPatch = Partial<
  Pick<RunRecord, 'device' | 'quantization' | 'versions' | 'seeds' | 'results' | 'stage' | 'alarms'>
>;

export interface RunFolder {
  readonly dir: string;
  readonly runId: string;
  /** The folder held this run before: logs are to be cut, checkpoints to be looked for. */
  readonly isResumed: boolean;
  /** Checkpoint folder that `resume` names, absolute; null for `never` and `auto`. */
  readonly resumeFrom: string | null;
  /** Config keys, and commits on the hub, that changed since the run was last opened; empty unless resumed. */
  readonly configChanges: readonly ConfigDifference[];
  /** Data sets and models whose files changed since then, under the same name and commit. */
  readonly changedSources: readonly ReadSource[];
  /** Alarms that sounded before the run was gone on with, by step; those of steps that come again too. */
  readonly formerAlarms: NonNullable<RunRecord['alarms']>;
  readonly paths: RunPaths;
  readonly phases: PhaseClock;
  /** @throws RunError where the folder is no longer this process's: what it wrote would be lost, or another's */
  check(): void;
  /**
   * Absolute path of a further file of the run; it is noted, so that `overwrite` clears it.
   * @throws InputError for a name that is a run's own
   */
  claim(relativePath: string): string;
  /** Adds to `run.json`; records (`results`, `versions`, `seeds`) are merged. */
  record(patch: RunPatch): void;
  /** Takes the results so far out of `run.json`: they are of a model that is trained further. */
  dropResults(): void;
  /**
   * Writes the last state of `run.json` and frees the folder. Further calls do nothing.
   * @param error what ended the run, where it was not done; it is left to be thrown where the state cannot be written
   * @returns whether this call has ended the run, in a folder that is still its own
   */
  close(status: Exclude<RunStatus, 'running'>, error?: unknown): boolean;
}

export interface RunStart {
  readonly options: OpenRunOptions;
  readonly previous: RunRecord | null;
  readonly resumeFrom: string | null;
  readonly lock: LockHolder;
}

/** Writes the first `run.json` of an opened folder, by which whatever else is in it is a run's, and config.yaml. */
export function startRun(
  dir: string,
  { options, previous, resumeFrom, lock }: RunStart,
): RunFolder {
  const paths = runPaths(dir);
  let record = previous === null ? freshRecord(options) : resumedRecord(previous, options);
  let isOpen = true;
  const phases = new PhaseClock(record.phases);
  const check = () => assertHeld(dir, lock);
  const write = (changed: Partial<RunRecord>) => {
    check();
    record = { ...record, ...changed, phases: phases.totals() };
    writeJson(paths.run, record);
  };
  write({});
  writeFileAtomic(paths.config, options.config.text);
  return {
    dir,
    runId: record.run_id,
    isResumed: previous !== null,
    resumeFrom,
    configChanges: previous === null ? [] : changesSince(previous, options),
    changedSources: previous === null ? [] : changedSources(previous, options),
    formerAlarms: previous?.alarms ?? [],
    paths,
    phases,
    check,
    claim(relativePath) {
      const name = insideName(relativePath);
      checkFileName(name, relativePath);
      if (!record.files.includes(name)) write({ files: [...record.files, name] });
      return join(dir, name);
    },
    record: (patch) => write(merged(record, patch)),
    dropResults: () => write({ results: {} }),
    close(status, error) {
      if (!isOpen) return false;
      isOpen = false;
      const isOurs = holdsRun(dir, lock);
      const finished_at = new Date().toISOString();
      try {
        write({ status, finished_at, error: error === undefined ? null : messageOf(error) });
      } catch (failure) {
        if (error === undefined) throw failure;
      } finally {
        unlockRun(dir, lock);
      }
      return isOurs;
    },
  };
}

function freshRecord(options: OpenRunOptions): RunRecord {
  const now = options.now ?? new Date();
  return {
    run_id: options.runId ?? makeRunId(options.config.text, now),
    command: options.command,
    stage: options.stage ?? null,
    status: 'running',
    started_at: now.toISOString(),
    finished_at: null,
    error: null,
    phases: {},
    versions: { ...baseVersions(), ...options.versions },
    machine: machineFacts(),
    device: options.device ?? null,
    seeds: options.seeds ?? {},
    config_hash: configHash(options.config.text),
    config: options.config.values,
    ...(options.sources && { sources: options.sources }),
    results: {},
    resumes: [],
    files: [],
  };
}

/** The source of the same name in an earlier record. */
function formerOf({ kind, name, split }: ReadSource, { sources }: RunRecord): ReadSource | null {
  const isSame = (other: ReadSource) =>
    other.kind === kind && other.name === name && other.split === split;
  return sources?.findLast(isSame) ?? null;
}

const changedSources = (previous: RunRecord, { sources = [] }: OpenRunOptions): ReadSource[] =>
  sources.filter((source) => {
    const former = formerOf(source, previous);
    const isOther = former?.sha256 !== undefined && former.sha256 !== source.sha256;
    return isOther && former.commit === source.commit;
  });

function changesSince(
  previous: RunRecord,
  { config, sources = [] }: OpenRunOptions,
): ConfigDifference[] {
  const moved = sources.flatMap((source) => {
    const commit = formerOf(source, previous)?.commit ?? null;
    if (commit === null || commit === source.commit) return [];
    return [{ key: `the commit of ${source.name}`, values: [commit, source.commit] }];
  });
  return [...configDifferences([previous.config, config.values]), ...moved];
}

function resumedRecord(previous: RunRecord, options: OpenRunOptions): RunRecord {
  const fresh = freshRecord(options);
  const { started_at: at, config_hash } = fresh;
  // Whether it ends before its last step is open again.
  const { ended_by: _before, ...results } = previous.results;
  return {
    ...fresh,
    run_id: previous.run_id,
    started_at: previous.started_at,
    phases: previous.phases,
    results,
    files: previous.files,
    ...(previous.alarms !== undefined && { alarms: previous.alarms }),
    resumes: [...previous.resumes, { at, config_hash }],
  };
}

const merged = ({ results, versions, seeds }: RunRecord, patch: RunPatch): RunPatch => ({
  ...patch,
  results: { ...results, ...patch.results },
  versions: { ...versions, ...patch.versions },
  seeds: { ...seeds, ...patch.seeds },
});

function insideName(relativePath: string): string {
  const name = normalize(relativePath);
  if (!isAbsolute(name) && name !== '..' && !name.startsWith(`..${sep}`) && name !== '.')
    return name;
  throw new InputError({ where: relativePath, problem: 'lies outside the run folder' });
}
