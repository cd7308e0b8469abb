/** Opening a run folder: refused when in use, cleared, or gone on with. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { InputError } from '../util/errors.js';
import { clearRun, RUN_FILE, readRunRecord, removeCleared, runEntries } from './run-files.js';
import { type OpenRunOptions, type RunFolder, startRun } from './run-folder.js';
import { lockRun, unlockRun } from './run-lock.js';
import type { RunRecord } from './run-record.js';

/**
 * Holds `dir` to what `openRun` asks of it, before long work; writes nothing.
 * @throws InputError as `openRun`
 */
export function checkRun(dir: string, options: OpenRunOptions): void {
  const folder = resolve(dir);
  runToResume(folder, askedOf(folder, options));
}

/**
 * Opens `dir` for a run. A folder in use is refused unless `overwrite` (its run's files are deleted,
 * others stay) or `resume` (the run goes on under its run id).
 * @throws InputError when the folder is in use, is being written, or is not this command's
 */
export function openRun(dir: string, options: OpenRunOptions): RunFolder {
  const folder = resolve(dir);
  const asked = askedOf(folder, options);
  mkdirSync(folder, { recursive: true });
  lockRun(folder);
  try {
    const previous = runToResume(folder, asked);
    removeCleared(folder);
    if (previous === null) clearRun(folder, readRunRecord(folder));
    return startRun(folder, { options, previous, resumeFrom: asked.resumeFrom });
  } catch (error) {
    unlockRun(folder);
    throw error;
  }
}

interface Asked {
  readonly resume: string;
  readonly overwrite: boolean;
  readonly resumeFrom: string | null;
  readonly command: string;
}

function askedOf(folder: string, options: OpenRunOptions): Asked {
  const { resume = 'never', overwrite = false, command } = options;
  assertFolder(folder);
  if (overwrite && resume === 'auto') {
    throw new InputError({
      where: 'overwrite',
      problem: 'overwrite=true and resume=auto contradict each other',
      remedy: 'Set one of them',
    });
  }
  const resumeFrom = resume === 'never' || resume === 'auto' ? null : checkpointPath(resume);
  return { resume, overwrite, resumeFrom, command };
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
  if (existsSync(path) && statSync(path).isDirectory()) return path;
  throw new InputError({
    where: 'resume',
    problem: `no checkpoint folder at ${resume}`,
    remedy: 'Give resume=auto for the latest one in output_dir, or the path of checkpoints/step-…',
  });
}

/** The record of the run to go on with; null for a fresh start. */
function runToResume(folder: string, asked: Asked): RunRecord | null {
  const record = readRunRecord(folder);
  const entries = runEntries(folder, record);
  if (entries.length === 0) return null;
  if (record === null) {
    throw new InputError({
      where: folder,
      problem: `holds ${entries[0]} but no ${RUN_FILE}, so it is not the folder of a run`,
      remedy: 'Choose another output_dir',
    });
  }
  const isOwn = asked.resumeFrom?.startsWith(folder + sep) ?? false;
  const isResume = asked.resume === 'auto' || isOwn;
  if (asked.overwrite) {
    if (!isOwn) return null;
    throw new InputError({
      where: 'overwrite',
      problem: `overwrite=true would delete the checkpoint that resume names (${asked.resumeFrom})`,
      remedy: 'Set one of them, or choose another output_dir',
    });
  }
  if (!isResume) {
    throw new InputError({
      where: folder,
      problem: `the folder is in use by run ${record.run_id} (${record.command}, ${record.status})`,
      remedy: 'Give overwrite=true to replace it, resume=auto to go on, or another output_dir',
    });
  }
  if (record.command !== asked.command) {
    throw new InputError({
      where: folder,
      problem: `holds a run of ${record.command}, which ${asked.command} cannot resume`,
      remedy: 'Give overwrite=true to replace it, or another output_dir',
    });
  }
  return record;
}
