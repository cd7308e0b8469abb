/** The splits of sets that are too large to read whole: the first usable rows of each. */
import type { DataConfig } from '../../config/index.js';
import { type FileDataset, streamRows } from '../../data/index.js';
import { InputError } from '../../util/errors.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';
import type { Splits } from './splits.js';

/** @throws InputError when a validation split is asked for, or no row is usable. */
export async function streamedSplits(
  config: DataConfig,
  dataset: FileDataset,
  context: RecipeContext,
): Promise<Splits> {
  const { name, train_samples, valid_samples, test_samples } = config;
  if (valid_samples !== null) {
    throw new InputError({
      where: 'valid_samples',
      problem: `${name} is read only as far as needed, so that no rows can be held out of it`,
      remedy: 'Leave it out, and cut the written train.jsonl',
    });
  }
  const splits: Record<string, Splits[string]> = {};
  for (const split of dataset.splits) {
    const count = split === 'test' ? test_samples : train_samples;
    const at = { split, hub: hubOptions(context), ...pinned(config.revision, 'revision') };
    const { rows, ...origin } = await streamRows(name, dataset, { ...at, count });
    const { paths, read, malformed, firstMalformed, duplicates } = origin;
    if (rows.length === 0) throw noRows(paths[0] ?? name, firstMalformed);
    const note = `; of ${read} read, ${malformed} malformed and ${duplicates} duplicates left out`;
    splits[split] = { rows, origin, note };
  }
  return splits;
}

const noRows = (where: string, first: string | null): InputError =>
  new InputError({ where, problem: `no row is usable${first === null ? '' : ` (${first})`}` });
