/**
 * `lorikeet data NAME`: a data set as files. Writes train.jsonl, valid.jsonl (when asked for), test.jsonl
 * and, last, dataset_stats.json, whose presence says that the others are whole.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataConfig } from '../config/index.js';
import { NAMED_DATASETS, type NamedDataset, namedDataset, rowStats } from '../data/index.js';
import { counted } from '../util/counted.js';
import { checkFolderPlace } from '../util/disk.js';
import { InputError } from '../util/errors.js';
import { writeJson, writeJsonl } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { CONTAMINATION_FILES, checkContamination } from './data/contamination.js';
import { FACTORIZATION_FILES, makeFactorization } from './data/factorization.js';
import { refuseForeignKeys } from './data/foreign-keys.js';
import { GENSELECT_FILES, makeGenselect } from './data/genselect.js';
import { makeMedical, medicalFiles } from './data/medical.js';
import { removeFiles, STATS_FILE } from './data/set-files.js';
import { makeSplits, SPLITS } from './data/splits.js';
import { streamedSplits } from './data/streamed.js';
import { checkTir, TIR_CHECK_FILES } from './data/tir-check.js';
import { lockOutput } from './outputs/output-lock.js';

export interface DataResult {
  readonly output_dir: string;
  /** Split to rows. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Names of the files of a set; of an earlier one in the same folder too. */
const filesOf = (dataset: NamedDataset): readonly string[] => [
  STATS_FILE,
  ...new Set([...SPLITS, ...dataset.splits].map((split) => `${split}.jsonl`)),
];

const folderOf = (name: string): string => join('outputs', 'data', name);

interface DataSet {
  /** Where it goes unless `output_dir` says otherwise. */
  readonly folder: string;
  /** What making it removes of an earlier call in the folder. */
  readonly files: (folder: string) => readonly string[];
  readonly make: (
    config: DataConfig,
    folder: string,
    context: RecipeContext,
  ) => Promise<DataResult>;
}

/** Sets with files and statistics of their own. */
const OWN_SETS: Readonly<Record<string, DataSet>> = {
  factorization: { folder: 'rft_data', files: () => FACTORIZATION_FILES, make: makeFactorization },
  medical: { folder: 'data', files: medicalFiles, make: makeMedical },
  genselect: { folder: folderOf('genselect'), files: () => GENSELECT_FILES, make: makeGenselect },
  'tir-check': { folder: folderOf('tir-check'), files: () => TIR_CHECK_FILES, make: checkTir },
  contamination: {
    folder: folderOf('contamination'),
    files: () => CONTAMINATION_FILES,
    make: checkContamination,
  },
};

/** @throws InputError on an unknown name, a folder in use, or malformed rows; SetupError without the hub. */
export async function runData(config: DataConfig, context: RecipeContext): Promise<DataResult> {
  const { name, overwrite } = config;
  const own = Object.hasOwn(OWN_SETS, name) ? (OWN_SETS[name] as DataSet) : null;
  const dataset = namedDataset(name);
  const isMade = own !== null || dataset?.kind === 'generated';
  if (config.revision !== null && isMade) throw localRevision(name, config.revision);
  const set = own ?? (dataset === null ? null : rowSet(name, dataset));
  if (set === null) throw unknownName(name);
  refuseForeignKeys(config);
  const folder = config.output_dir ?? set.folder;
  checkFolderPlace(folder);
  const output = join(folder, STATS_FILE);
  const files = set.files(folder);
  const beside = files.map((name) => join(folder, name));
  const unlock = lockOutput(output, { key: 'output_dir', beside });
  try {
    checkUnused(folder, { overwrite, files });
    return await set.make(config, folder, context);
  } finally {
    unlock();
  }
}

/** A set that is rows alone. */
const rowSet = (name: string, dataset: NamedDataset): DataSet => ({
  folder: folderOf(name),
  files: () => filesOf(dataset),
  make: (config, folder, context) => writeSplits(dataset, { config, folder, context }),
});

interface SplitsArgs {
  readonly config: DataConfig;
  readonly folder: string;
  readonly context: RecipeContext;
}

async function writeSplits(
  dataset: NamedDataset,
  { config, folder, context }: SplitsArgs,
): Promise<DataResult> {
  const { name, seed } = config;
  const isLarge = dataset.kind === 'files' && dataset.isLarge === true;
  const splits = isLarge
    ? await streamedSplits(config, dataset, context)
    : await makeSplits(config, dataset, context);
  removeFiles(folder, filesOf(dataset));
  const stats: Record<string, unknown> = {};
  const counts: Record<string, number> = {};
  for (const [split, { rows, origin, note = '' }] of Object.entries(splits)) {
    const file = `${split}.jsonl`;
    const sha256 = writeJsonl(join(folder, file), rows);
    stats[split] = { file, sha256, ...rowStats(rows), ...origin };
    counts[split] = rows.length;
    context.log(`${split}: ${counted(rows.length, 'row')} in ${join(folder, file)}${note}`);
  }
  writeJson(join(folder, STATS_FILE), { name, about: dataset.about, seed, splits: stats });
  return { output_dir: folder, rows: counts };
}

const localRevision = (name: string, revision: string): InputError =>
  new InputError({
    where: 'revision',
    problem: `"${revision}", but ${name} is not one data set on the hub`,
    remedy: 'Leave it out; medical.revision and contamination.train_revision are those of sources',
  });

function unknownName(name: string): InputError {
  return new InputError({
    where: 'name',
    problem: `"${name}" is no data set`,
    remedy: `Choose one of ${[...Object.keys(NAMED_DATASETS), ...Object.keys(OWN_SETS)].join(', ')}`,
  });
}

interface FolderUse {
  readonly overwrite: boolean;
  readonly files: readonly string[];
}

function checkUnused(folder: string, { overwrite, files }: FolderUse): void {
  const there = files.find((file) => existsSync(join(folder, file)));
  if (there === undefined || overwrite) return;
  throw new InputError({
    where: 'output_dir',
    problem: `${folder} is in use (it has ${there})`,
    remedy: 'Choose another folder, or set overwrite=true to replace its data files',
  });
}
