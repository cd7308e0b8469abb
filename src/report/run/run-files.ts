/** What a run writes into its folder, how it is cleared for `overwrite=true`, and moved aside. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeParts } from '../../util/atomic-file.js';
import { removeFolderParts } from '../../util/atomic-folder.js';
import { InputError } from '../../util/errors.js';
import { readJson } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { namesIn } from '../../util/names-in.js';
import { checkedObject, type Fields } from '../../util/own-files.js';
import { assertUnlocked, LOCK_FILE } from './run-lock.js';
import { RUN_NAMES, runPaths } from './run-paths.js';
import { type RunRecord, stampOf } from './run-record.js';

const { config, run, metrics, samples, completions, report } = RUN_NAMES;

/** Fixed files of a run. `run.json` goes last: while it is there, the folder counts as a run. */
const FILES = [config, metrics, samples, completions, report, run];

/** Fixed folders, and the entries in them that are a run's own. */
const FOLDERS: Readonly<Record<string, RegExp>> = {
  [RUN_NAMES.model]:
    /^(adapter_|model[.-]|tokenizer|special_tokens|added_tokens|chat_template|vocab\.|merges\.|config\.json$|generation_config\.json$|README\.md$)/,
  [RUN_NAMES.checkpoints]: /^step-\d+(\.|$)/,
  [RUN_NAMES.tensorboard]: /^events\.out\./,
  wandb: /^((offline-)?run-|latest-run$|debug)/,
};

const CLEARED = '.cleared-';

/** Names that a further file of a run may not have. */
const TAKEN: readonly string[] = [...Object.values(RUN_NAMES), ...Object.keys(FOLDERS), LOCK_FILE];

/** @throws InputError where a run has a file or folder of that name already. */
export function checkFileName(name: string, where: string): void {
  if (!TAKEN.includes(name)) return;
  throw new InputError({
    where,
    problem: `${name} is a name that the run uses itself`,
    remedy: 'Choose another',
  });
}

/** Where the completion rows of the run in `dir` are. */
export function samplesPath(dir: string): string {
  const paths = runPaths(dir);
  return existsSync(paths.completions) ? paths.completions : paths.samples;
}

/** What is read of a record. */
const RECORD_FIELDS: Fields<RunRecord> = {
  run_id: 'string',
  command: 'string',
  status: 'string',
  started_at: 'string',
  config_hash: 'string',
  phases: 'object',
  versions: 'object',
  seeds: 'object',
  results: 'object',
  resumes: 'list',
  files: 'list',
};

/** The record of the run in `dir`, or null when there is none. @throws InputError where it is broken */
export function readRunRecord(dir: string): RunRecord | null {
  const path = runPaths(dir).run;
  if (!existsSync(path)) return null;
  const value = readJson(path);
  if (!isObject(value) || !('run_id' in value)) return null;
  const remedy = 'Put the file back as it was, or choose another folder';
  return checkedObject<RunRecord>(path, value, { fields: RECORD_FIELDS, remedy });
}

/** Entries of `dir`, relative, that a run has written or would write over; `run.json` last. */
export function runEntries(dir: string, record: RunRecord | null): string[] {
  const inFolders = Object.entries(FOLDERS).flatMap(([folder, own]) =>
    namesIn(join(dir, folder))
      .filter((name) => own.test(name))
      .map((name) => join(folder, name)),
  );
  const claimed = [...(record?.files ?? [])];
  return [...new Set([...claimed, ...inFolders, ...FILES])].filter((name) =>
    existsSync(join(dir, name)),
  );
}

/**
 * Takes a run's files out of `dir`: each is renamed into a hidden folder, which is then deleted, so
 * that no file is ever there half. Files that are not a run's stay.
 */
export function clearRun(dir: string, record: RunRecord | null): void {
  const aside = join(dir, `${CLEARED}${randomUUID().slice(0, 8)}`);
  for (const name of runEntries(dir, record)) {
    mkdirSync(dirname(join(aside, name)), { recursive: true });
    renameSync(join(dir, name), join(aside, name));
    removeEmptyParents(dir, name);
  }
  removeLeftovers(dir, record);
}

/** Folders above `name`, up to `dir`, that hold nothing any more. */
function removeEmptyParents(dir: string, name: string): void {
  for (let above = dirname(name); above !== '.'; above = dirname(above)) {
    if (namesIn(join(dir, above)).length > 0) return;
    rmdirSync(join(dir, above));
  }
}

/** Deletes what an interrupted `clearRun`, or a killed process that was writing, has left. */
export function removeLeftovers(dir: string, record: RunRecord | null): void {
  const claimed = (record?.files ?? []).map((name) => dirname(name));
  for (const folder of new Set(['.', RUN_NAMES.debug, ...claimed])) removeParts(join(dir, folder));
  if (existsSync(dir)) removeFolderParts(dir, (name) => name === RUN_NAMES.model);
  for (const name of namesIn(dir).filter((entry) => entry.startsWith(CLEARED))) {
    rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/**
 * Renames the folder of an earlier run to `<dir>.<run_id>` in one step and returns that path; null
 * when there is nothing to move.
 * @throws InputError when a living process writes into it
 */
export function moveRunAside(dir: string): string | null {
  if (namesIn(dir).filter((name) => name !== LOCK_FILE).length === 0) return null;
  assertUnlocked(dir);
  const stamp = readRunRecord(dir)?.run_id ?? stampOf(new Date());
  const parent = dirname(dir);
  let target = join(parent, `${basename(dir)}.${stamp}`);
  for (let i = 2; existsSync(target); i++) target = join(parent, `${basename(dir)}.${stamp}-${i}`);
  renameSync(dir, target);
  rmSync(join(target, LOCK_FILE), { force: true });
  return target;
}
