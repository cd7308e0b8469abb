/**
 * `lorikeet data NAME`: a data set as files. Writes train.jsonl, valid.jsonl (when asked for), test.jsonl
 * and, last, dataset_stats.json, whose presence says that the others are whole.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataConfig } from '../config/index.js';
import { NAMED_DATASETS, type NamedDataset, namedDataset, rowStats } from '../data/index.js';
import { checkFolderPlace } from '../util/disk.js';
import { InputError } from '../util/errors.js';
import { writeJson, writeJsonl } from '../util/files.js';
import type { RecipeContext } from './context.js';
import {
  CONTAMINATION_FILES,
  CONTAMINATION_FOLDER,
  checkContamination,
} from './data/contamination.js';
import {
  FACTORIZATION_FILES,
  FACTORIZATION_FOLDER,
  makeFactorization,
} from './data/factorization.js';
import { refuseForeignKeys } from './data/foreign-keys.js';
import { GENSELECT_FILES, GENSELECT_FOLDER, makeGenselect } from './data/genselect.js';
import { MEDICAL_FILES, MEDICAL_FOLDER, makeMedical } from './data/medical.js';
import { makeSplits, SPLITS } from './data/splits.js';
import { makeStreamed } from './data/streamed.js';
import { checkTir, TIR_CHECK_FILES, TIR_CHECK_FOLDER } from './data/tir-check.js';

export interface DataResult {
  readonly output_dir: string;
  /** Split to rows. */
  readonly rows: Readonly<Record<string, number>>;
}

const STATS_FILE = 'dataset_stats.json';

/** Names of the files of a set; of an earlier one in the same folder too. */
const filesOf = (dataset: NamedDataset): readonly string[] => [
  STATS_FILE,
  ...new Set([...SPLITS, ...dataset.splits].map((split) => `${split}.jsonl`)),
];

/** Sets with files and statistics of their own. */
const OWN_SETS = {
  factorization: {
    folder: FACTORIZATION_FOLDER,
    files: FACTORIZATION_FILES,
    make: makeFactorization,
  },
  medical: { folder: MEDICAL_FOLDER, files: MEDICAL_FILES, make: makeMedical },
  genselect: { folder: GENSELECT_FOLDER, files: GENSELECT_FILES, make: makeGenselect },
  'tir-check': { folder: TIR_CHECK_FOLDER, files: TIR_CHECK_FILES, make: checkTir },
  contamination: {
    folder: CONTAMINATION_FOLDER,
    files: CONTAMINATION_FILES,
    make: checkContamination,
  },
} as const;

/** @throws InputError on an unknown name, a folder in use, or malformed rows; SetupError without the hub. */
export async function runData(config: DataConfig, context: RecipeContext): Promise<DataResult> {
  const { name, seed, overwrite } = config;
  const own = Object.hasOwn(OWN_SETS, name) ? OWN_SETS[name as keyof typeof OWN_SETS] : null;
  const dataset = namedDataset(name);
  const isMade = own !== null || dataset?.kind === 'generated';
  if (config.revision !== null && isMade) throw localRevision(name, config.revision);
  if (own !== null) {
    refuseForeignKeys(config);
    checkFolder(config.output_dir ?? own.folder, { overwrite, files: own.files });
    return await own.make(config, context);
  }
  if (dataset === null) throw unknownName(name);
  refuseForeignKeys(config);
  const folder = config.output_dir ?? join('outputs', 'data', name);
  const files = filesOf(dataset);
  checkFolder(folder, { overwrite, files });
  if (dataset.kind === 'files' && dataset.isLarge === true) {
    return await makeStreamed(config, { dataset, folder, files }, context);
  }
  const splits = await makeSplits(config, dataset, context);
  for (const file of files) rmSync(join(folder, file), { force: true });
  const stats: Record<string, unknown> = {};
  const rows: Record<string, number> = {};
  for (const split of SPLITS) {
    const made = splits[split];
    if (made === undefined) continue;
    const file = `${split}.jsonl`;
    const sha256 = writeJsonl(join(folder, file), made.rows);
    const { provenance } = made;
    stats[split] = { file, sha256, ...rowStats(made.rows), provenance };
    rows[split] = made.rows.length;
    context.log(`${split}: ${made.rows.length} rows in ${join(folder, file)}`);
  }
  writeJson(join(folder, STATS_FILE), { name, about: dataset.about, seed, splits: stats });
  return { output_dir: folder, rows };
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

function checkFolder(folder: string, { overwrite, files }: FolderUse): void {
  checkFolderPlace(folder);
  const there = files.find((file) => existsSync(join(folder, file)));
  if (there === undefined || overwrite) return;
  throw new InputError({
    where: 'output_dir',
    problem: `${folder} is in use (it has ${there})`,
    remedy: 'Choose another folder, or set overwrite=true to replace its data files',
  });
}
