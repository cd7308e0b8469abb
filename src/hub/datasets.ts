/**
 * Files of a hub data set's split: by its card's `configs`, else by the usual file names, else from the
 * hub's own Parquet conversion (branch refs/convert/parquet), which stands for `main` only.
 */
import { join } from 'node:path';
import { InputError } from '../util/errors.js';
import { ROW_FILE_ENDINGS } from '../util/row-file-endings.js';
import type { RepoListing } from './cache.js';
import { HubNotFoundError, label, type RepoRef } from './failures.js';
import { pathMatcher } from './ids.js';
import { fetchSnapshot } from './repo.js';
import { type HubOptions, type HubSettings, hubSettings } from './settings.js';

export interface ResolveDatasetOptions extends HubOptions {
  /** Default `train`. */
  readonly split?: string;
  /** Name of the configuration; needed when the data set has several and no default. */
  readonly config?: string;
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
}

export interface DatasetFiles {
  /** Local paths, in name order. */
  readonly paths: readonly string[];
  readonly commit: string;
}

/** In this order: the first kind that has files of the split is taken. */
const ENDINGS = ['.parquet', ...ROW_FILE_ENDINGS.filter((ending) => ending !== '.parquet')];
const CONVERTED = 'refs/convert/parquet';

/**
 * @throws HubUnreachableError, HubNotFoundError, SetupError as `resolveModel`; InputError naming the
 *   configurations and splits when the one asked for is not there.
 */
export async function resolveDatasetFiles(
  id: string,
  options: ResolveDatasetOptions = {},
): Promise<DatasetFiles> {
  const { split = 'train', config, revision = 'main', ...hub } = options;
  const settings = hubSettings(hub);
  const ref = { kind: 'dataset', id, revision } as const;
  const wanted = { split, config };
  const own = await filesOf(settings, ref, wanted);
  // The conversion is that of `main`.
  const found = own ?? (revision === 'main' ? await convertedFiles(settings, id, wanted) : null);
  if (found !== null) return found;
  throw noSuchSplit(label(ref), wanted);
}

type Wanted = { readonly split: string; readonly config: string | undefined };

/** Null where the revision has none of the split. */
async function filesOf(
  settings: HubSettings,
  ref: RepoRef,
  wanted: Wanted,
): Promise<DatasetFiles | null> {
  const choose = (listing: RepoListing) => splitFiles(ref.id, listing, wanted);
  const { dir, commit, files } = await fetchSnapshot(settings, ref, choose);
  const paths = files.map((file) => join(dir, ...file.split('/')));
  return paths.length === 0 ? null : { commit, paths };
}

async function convertedFiles(
  settings: HubSettings,
  id: string,
  wanted: Wanted,
): Promise<DatasetFiles | null> {
  try {
    return await filesOf(settings, { kind: 'dataset', id, revision: CONVERTED }, wanted);
  } catch (error) {
    if (error instanceof HubNotFoundError) return null;
    throw error;
  }
}

function splitFiles(id: string, listing: RepoListing, wanted: Wanted): string[] {
  const config = chooseConfig(id, listing, wanted.config);
  const fromCard = listing.configs.find(({ name }) => name === config)?.splits[wanted.split];
  if (fromCard !== undefined) return listing.files.filter(pathMatcher(fromCard)).sort();
  for (const ending of ENDINGS) {
    const matches = pathMatcher(usualPatterns(config, wanted.split, ending));
    const files = listing.files.filter(matches).sort();
    if (files.length > 0) return files;
  }
  return [];
}

function usualPatterns(config: string, split: string, ending: string): string[] {
  const folders =
    config === 'default' ? ['', 'data/', 'default/'] : [`${config}/`, `data/${config}/`];
  return folders.flatMap((folder) => [
    `${folder}${split}${ending}`,
    `${folder}${split}-*${ending}`,
    `${folder}${split}/*${ending}`,
  ]);
}

/** The one asked for, the card's default, or the only one there is. */
function chooseConfig(id: string, listing: RepoListing, wanted: string | undefined): string {
  if (wanted !== undefined) return wanted;
  const names = configNames(listing);
  const marked = listing.configs.find(({ isDefault }) => isDefault)?.name;
  const only = names.length === 1 ? names[0] : undefined;
  const chosen = marked ?? (names.includes('default') ? 'default' : only);
  if (chosen !== undefined) return chosen;
  if (names.length === 0) return 'default';
  throw new InputError({
    where: id,
    problem: `the data set has several configurations (${names.join(', ')})`,
    remedy: `Choose one, e.g. dataset.subset=${names[0]}`,
  });
}

function configNames(listing: RepoListing): string[] {
  if (listing.configs.length > 0) return listing.configs.map(({ name }) => name);
  const names = new Set<string>();
  for (const file of listing.files.filter((name) => name.endsWith('.parquet'))) {
    const [folder] = file.split('/');
    names.add(file.includes('/') && folder !== 'data' ? (folder as string) : 'default');
  }
  return [...names];
}

function noSuchSplit(id: string, { split, config }: Wanted): InputError {
  const where = config === undefined ? id : `${id} (${config})`;
  return new InputError({
    where,
    problem: `no files for split "${split}"`,
    remedy: 'Check the names of its splits and configurations on the hub, or give files by path',
  });
}
