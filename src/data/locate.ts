/** What a user calls a data set → the files that hold the split asked for. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import {
  type HubOptions,
  isHubId,
  localRevision,
  resolveDatasetFiles,
  triedOnHub,
} from '../hub/index.js';
import { InputError } from '../util/errors.js';
import { ROW_FILE_ENDINGS } from '../util/row-file-endings.js';
import { isRowFile } from './formats/index.js';
import { type FileDataset, NAMED_DATASETS } from './named.js';

/** Which state of a hub data set. */
export interface RevisionOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** The config key it stands under, for errors. */
  readonly revisionKey?: string;
}

export interface LocateOptions extends RevisionOptions {
  readonly split: string;
  /** Configuration of a hub data set. */
  readonly config?: string;
  /** Folder of local copies of named data sets; null: none. */
  readonly dataFolder: string | null;
  readonly hub: HubOptions;
}

export interface Located {
  readonly kind: 'file' | 'folder' | 'local' | 'hub';
  readonly paths: readonly string[];
  /** Commit on the hub. */
  readonly commit: string | null;
}

/** @throws InputError when the folder LORIKEET_DATA names lacks the file; otherwise as the hub. */
export async function locateNamed(
  name: string,
  dataset: FileDataset,
  options: LocateOptions,
): Promise<Located> {
  const { split, dataFolder, hub, revision } = options;
  if (!dataset.splits.includes(split)) throw noSplit(name, split, dataset.splits);
  if (dataFolder === null) {
    const { id, ...own } = dataset.hub;
    const pinned = revision === undefined ? {} : { revision };
    const files = await resolveDatasetFiles(id, { ...hub, split, ...own, ...pinned });
    return { kind: 'hub', ...files };
  }
  checkNoRevision(options, `${name} comes from the folder that LORIKEET_DATA names`);
  const path = join(dataFolder, dataset.local[split] ?? '');
  if (existsSync(path) && statSync(path).isFile())
    return { kind: 'local', paths: [path], commit: null };
  throw new InputError({
    where: name,
    problem: `${path} is missing, the ${split} split in the folder that LORIKEET_DATA names`,
    remedy: 'Put it there, or unset LORIKEET_DATA to take the rows from the hub',
  });
}

export function noSplit(name: string, split: string, splits: readonly string[]): InputError {
  return new InputError({
    where: name,
    problem: `no split "${split}"`,
    remedy: `It has ${splits.join(', ')}`,
  });
}

/** @throws InputError on a revision of rows that do not come from the hub. @param why What they are. */
export function checkNoRevision(
  { revision, revisionKey = 'dataset.revision' }: RevisionOptions,
  why: string,
): void {
  if (revision !== undefined) throw localRevision(revisionKey, revision, why);
}

/** A file, a folder with files named after splits, or a hub id `owner/name`. */
export async function locateSource(source: string, options: LocateOptions): Promise<Located> {
  const { split, config, revision, hub } = options;
  if (existsSync(source)) {
    checkNoRevision(options, `${source} is on this machine`);
    if (!statSync(source).isDirectory()) return { kind: 'file', paths: [source], commit: null };
    return { kind: 'folder', paths: splitFiles(source, split), commit: null };
  }
  if (isRowFile(source)) {
    throw new InputError({
      where: source,
      problem: 'no such file of rows',
      remedy: isAbsolute(source)
        ? 'Check the path'
        : `Check the path, which starts at the current folder, ${process.cwd()}`,
    });
  }
  if (!source.includes('/') || !isHubId(source)) {
    throw new InputError({
      where: 'dataset',
      problem: `"${source}" is no data set`,
      remedy: `Give ${Object.keys(NAMED_DATASETS).join(', ')}, a file, a folder, or a hub id such as owner/name`,
    });
  }
  const place =
    revision === undefined
      ? `dataset: no local file or folder "${source}", and as a hub id`
      : `dataset and ${options.revisionKey ?? 'its revision'}`;
  const files = await triedOnHub(
    place,
    resolveDatasetFiles(source, {
      ...hub,
      split,
      ...(config === undefined ? {} : { config }),
      ...(revision === undefined ? {} : { revision }),
    }),
  );
  return { kind: 'hub', ...files };
}

/** `<split>.<ending>` or `<split>-<shard>.<ending>`, of one ending. */
function splitFiles(folder: string, split: string): string[] {
  const names = readdirSync(folder).sort();
  const found = ROW_FILE_ENDINGS.map((ending) =>
    names.filter((name) => isSplitFile(name, split, ending)),
  ).filter((matches) => matches.length > 0);
  const [files, other] = found;
  if (files !== undefined && other === undefined) return files.map((name) => join(folder, name));
  throw new InputError({
    where: folder,
    problem:
      files === undefined
        ? `no file of split "${split}" (such as ${split}.jsonl)`
        : `several files could be split "${split}" (${files[0]}, ${other?.[0]})`,
    remedy: 'Name the file itself',
  });
}

function isSplitFile(name: string, split: string, ending: string): boolean {
  if (!name.endsWith(ending)) return false;
  const stem = name.slice(0, -ending.length);
  return stem === split || stem.startsWith(`${split}-`);
}
