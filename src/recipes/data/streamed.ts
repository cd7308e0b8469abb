/** `lorikeet data` for sets that are too large to read whole: the first usable rows of each split. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import { type FileDataset, rowStats, type StreamedRows, streamRows } from '../../data/index.js';
import { InputError } from '../../util/errors.js';
import { writeJson, writeJsonl } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';

export interface StreamedSet {
  readonly dataset: FileDataset;
  readonly folder: string;
  /** Names of the files that it may hold from before. */
  readonly files: readonly string[];
}

/** @throws InputError when a validation split is asked for, or no row is usable. */
export async function makeStreamed(
  config: DataConfig,
  { dataset, folder, files }: StreamedSet,
  context: RecipeContext,
) {
  const { name, train_samples, valid_samples, test_samples } = config;
  if (valid_samples !== null) {
    throw new InputError({
      where: 'valid_samples',
      problem: `${name} is read only as far as needed, so that no rows can be held out of it`,
      remedy: 'Leave it out, and cut the written train.jsonl',
    });
  }
  const splits = new Map<string, StreamedRows>();
  for (const split of dataset.splits) {
    const count = split === 'test' ? test_samples : train_samples;
    const at = { split, hub: hubOptions(context), ...pinned(config.revision, 'revision') };
    const made = await streamRows(name, dataset, { ...at, count });
    if (made.rows.length === 0) throw noRows(made.paths[0] ?? name, made.firstMalformed);
    splits.set(split, made);
  }
  for (const file of files) rmSync(join(folder, file), { force: true });
  const stats: Record<string, unknown> = {};
  const rows: Record<string, number> = {};
  for (const [split, made] of splits) {
    const file = `${split}.jsonl`;
    const sha256 = writeJsonl(join(folder, file), made.rows);
    rows[split] = made.rows.length;
    const { rows: taken, ...origin } = made;
    stats[split] = { file, sha256, ...rowStats(taken), ...origin };
    context.log(
      `${split}: ${taken.length} rows in ${join(folder, file)}; of ${made.read} read, ${made.malformed} malformed and ${made.duplicates} duplicates left out`,
    );
  }
  writeJson(join(folder, 'dataset_stats.json'), { name, about: dataset.about, splits: stats });
  return { output_dir: folder, rows };
}

const noRows = (where: string, first: string | null): InputError =>
  new InputError({ where, problem: `no row is usable${first === null ? '' : ` (${first})`}` });
