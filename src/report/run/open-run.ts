/** Opening a run folder: refused when in use, cleared, or gone on with. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { isAside } from '../../util/atomic-folder.js';
import { checkFolderPlace, makeFolder } from '../../util/disk.js';
import { InputError } from '../../util/errors.js';
import { inUseRemedy } from '../../util/in-use.js';
import { clearRun, readRunRecord, removeLeftovers, runEntries } from './run-files.js';
import { type OpenRunOptions, type RunFolder, startRun } from './run-folder.js';
import { lockRun, unlockRun } from './run-lock.js';
import { RUN_NAMES } from './run-paths.js';
import type { RunRecord } from './run-record.js';

/**
 * Holds `dir` to what `openRun` asks of it, before long work; writes nothing.
 * @throws InputError as `openRun`
 */
export function checkRun(dir: string, options: OpenRunOptions): void {
  const folder = resolve(dir);
  const asked = askedOf(folder, options);
  checkFolderPlace(folder);
  runToResume(folder, asked);
}

/**
 * Opens `dir` for a run. A folder in use is refused unless `overwrite` (its run's files are deleted,
 * others stay) or `resume` (the run goes on under its run id).
 * @throws InputError when the folder is in use, is being written, or is not this command's
 */
export function openRun(dir: string, options: OpenRunOptions): RunFolder {
  const folder = resolve(dir);
  const asked = askedOf(folder, options);
  makeFolder(folder);
  const lock = lockRun(folder);
  try {
    const previous = runToResume(folder, asked);
    const record = readRunRecord(folder);
    removeLeftovers(folder, record);
    if (previous === null) clearRun(folder, record);
    return startRun(folder, { options, previous, resumeFrom: asked.resumeFrom, lock });
  } catch (error) {
    unlockRun(folder, lock);
    throw error;
  }
}

interface Asked {
  readonly resume: string;
  readonly overwrite: boolean;
  readonly resumeFrom: string | null;
  readonly command: string;
  readonly reads: readonly string[];
  readonly mayResume: boolean;
}

/** @throws InputError where a call is both to replace what is there and to go on with it */
export function checkBeginning(keys: {
  readonly resume: string;
  readonly overwrite: boolean;
}): void {
  if (!keys.overwrite || keys.resume !== 'auto') return;
  throw new InputError({
    where: 'overwrite',
    problem: 'overwrite=true and resume=auto contradict each other',
    remedy: 'Set one of them',
  });
}

function askedOf(folder: string, options: OpenRunOptions): Asked {
  const { resume = 'never', overwrite = false, command, reads = [] } = options;
  assertFolder(folder);
  checkBeginning({ resume, overwrite });
  const resumeFrom = resume === 'never' || resume === 'auto' ? null : checkpointPath(resume);
  const mayResume = options.resume !== undefined;
  return { resume, overwrite, resumeFrom, command, reads, mayResume };
}

function assertFolder(folder: string): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new InputError({
      where: folder,
      problem: 'is a file, not a folder',
      remedy: 'Choose another output_dir',
    });
  }
}

function checkpointPath(resume: string): string {
  const path = resolve(resume);
  if (isAside(path) || (existsSync(path) && statSync(path).isDirectory())) return path;
  throw new InputError({
    where: 'resume',
    problem: `no checkpoint folder at ${resume}`,
    remedy: 'Give resume=auto for the latest one in output_dir, or the path of checkpoints/step-…',
  });
}

/** @throws InputError when a file to be deleted is one that the new run reads. */
function assertKept(deleted: readonly string[], { reads, resumeFrom }: Asked): void {
  const wanted = [...reads, ...(resumeFrom === null ? [] : [resumeFrom])];
  const lost = wanted.find((path) => deleted.some((other) => overlap(resolve(path), other)));
  if (lost === undefined) return;
  throw new InputError({
    where: 'overwrite',
    problem: `overwrite=true would delete ${lost}, which this run reads`,
    remedy: 'Choose another output_dir',
  });
}

const overlap = (one: string, other: string): boolean =>
  one === other || one.startsWith(other + sep) || other.startsWith(one + sep);

/** The record of the run to go on with; null for a fresh start. */
function runToResume(folder: string, asked: Asked): RunRecord | null {
  const record = readRunRecord(folder);
  const entries = runEntries(folder, record);
  if (entries.length === 0) return null;
  if (record === null) {
    throw new InputError({
      where: folder,
      problem: `holds ${entries[0]} but no ${RUN_NAMES.run}, so it is not the folder of a run`,
      remedy: 'Choose another output_dir',
    });
  }
  const isOwn = asked.resumeFrom?.startsWith(folder + sep) ?? false;
  const isResume = asked.resume === 'auto' || isOwn;
  if (asked.overwrite) {
    const deleted = entries.map((name) => join(folder, name));
    assertKept(deleted, asked);
    return null;
  }
  if (!isResume) {
    throw new InputError({
      where: folder,
      problem: `the folder is in use by run ${record.run_id} (${record.command}, ${record.status})`,
      remedy: inUseRemedy('output_dir', asked),
    });
  }
  if (record.command !== asked.command) {
    throw new InputError({
      where: folder,
      problem: `holds a run of ${record.command}, which ${asked.command} cannot resume`,
      remedy: inUseRemedy('output_dir'),
    });
  }
  return record;
}
