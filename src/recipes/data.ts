/**
 * `lorikeet data NAME`: a data set as files. Writes train.jsonl, valid.jsonl (when asked for), test.jsonl
 * and, last, dataset_stats.json, whose presence says that the others are whole.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataConfig } from '../config/index.js';
import { NAMED_DATASETS, namedDataset, rowStats } from '../data/index.js';
import { InputError } from '../util/errors.js';
import { sha256, toJsonl, writeFileAtomic, writeJson } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { makeSplits, SPLITS } from './data-splits.js';

export interface DataResult {
  readonly output_dir: string;
  /** Split to rows. */
  readonly rows: Readonly<Record<string, number>>;
}

const STATS_FILE = 'dataset_stats.json';
const FILES = [STATS_FILE, ...SPLITS.map((split) => `${split}.jsonl`)];

/** @throws InputError on an unknown name, a folder in use, or malformed rows; SetupError without the hub. */
export async function runData(config: DataConfig, context: RecipeContext): Promise<DataResult> {
  const { name, seed, overwrite } = config;
  const dataset = namedDataset(name);
  if (dataset === null) throw unknownName(name);
  const folder = config.output_dir ?? join('outputs', 'data', name);
  checkFolder(folder, overwrite);
  const splits = await makeSplits(config, dataset, context);
  for (const file of FILES) rmSync(join(folder, file), { force: true });
  const stats: Record<string, unknown> = {};
  const rows: Record<string, number> = {};
  for (const split of SPLITS) {
    const made = splits[split];
    if (made === undefined) continue;
    const file = `${split}.jsonl`;
    const text = toJsonl(made.rows);
    writeFileAtomic(join(folder, file), text);
    const { provenance } = made;
    stats[split] = { file, sha256: sha256(text), ...rowStats(made.rows), provenance };
    rows[split] = made.rows.length;
    context.log(`${split}: ${made.rows.length} rows in ${join(folder, file)}`);
  }
  writeJson(join(folder, STATS_FILE), { name, about: dataset.about, seed, splits: stats });
  return { output_dir: folder, rows };
}

function unknownName(name: string): InputError {
  return new InputError({
    where: 'name',
    problem: `"${name}" is no data set`,
    remedy: `Choose one of ${Object.keys(NAMED_DATASETS).join(', ')}`,
  });
}

function checkFolder(folder: string, overwrite: boolean): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) {
    throw new InputError({ where: 'output_dir', problem: `${folder} is a file, not a folder` });
  }
  const there = FILES.find((file) => existsSync(join(folder, file)));
  if (there === undefined || overwrite) return;
  throw new InputError({
    where: 'output_dir',
    problem: `${folder} is in use (it has ${there})`,
    remedy: 'Choose another folder, or set overwrite=true to replace its data files',
  });
}
