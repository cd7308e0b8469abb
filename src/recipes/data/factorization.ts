/**
 * `lorikeet data factorization`: the tiered set of numbers to factorize, as rows for reinforcement
 * fine-tuning, in files of the usual names; or several such folders put together.
 */
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import {
  apportion,
  demonstration,
  type FactorizationRow,
  type FactorizationSplit,
  planTiers,
  type RowOptions,
  SPLIT_NAMES,
  SPLIT_SHARES,
  type TierPlan,
} from '../../data/index.js';
import { counted } from '../../util/counted.js';
import { InputError, messageOf } from '../../util/errors.js';
import { FACTORIZATION_ALGORITHMS } from '../../util/factorization-algorithms.js';
import { readJsonl, writeJson, writeJsonl } from '../../util/files.js';
import { groupBy } from '../../util/group.js';
import { inThread } from '../../util/in-thread.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import { removeFiles, STATS_FILE } from './set-files.js';

const DEFAULT_SAMPLES = 1000;
const ALL = 'factorization_dataset.jsonl';
export const FACTORIZATION_FILES = [
  STATS_FILE,
  ALL,
  ...SPLIT_NAMES.map((split) => `${split}.jsonl`),
  'sft_train.jsonl',
];

type Rows = Readonly<Record<FactorizationSplit, readonly FactorizationRow[]>>;

/** @throws InputError on tiers or values that leave no number, or folders to combine that lack a file. */
export async function makeFactorization(
  config: DataConfig,
  folder: string,
  { log }: RecipeContext,
) {
  const { combine } = config.factorization;
  const splits = combine.length > 0 ? combined(combine) : await generated(config);
  removeFiles(folder, FACTORIZATION_FILES);
  const write = (file: string, rows: readonly unknown[]) => {
    const sha256 = writeJsonl(join(folder, file), rows);
    log(`${counted(rows.length, 'row')} in ${join(folder, file)}`);
    return { file, rows: rows.length, sha256 };
  };
  const all = SPLIT_NAMES.flatMap((split) => splits[split]);
  const files = {
    all: write(ALL, all),
    train: write('train.jsonl', splits.train),
    valid: write('valid.jsonl', splits.valid),
    test: write('test.jsonl', splits.test),
    sft_train: write('sft_train.jsonl', splits.train.map(worked)),
  };
  const statistics = statisticsOf(splits);
  const repeated = statistics.rows - statistics.different_numbers;
  if (repeated > 0)
    log(
      `${counted(repeated, 'row')} with a number of another row: the tiers of the split have no others`,
    );
  const options = combine.length > 0 ? { combine } : optionsOf(config);
  writeJson(join(folder, STATS_FILE), {
    name: 'factorization',
    options,
    vocabulary: Object.fromEntries(
      FACTORIZATION_ALGORITHMS.map(({ name, digits }) => [name, { digits }]),
    ),
    files,
    ...statistics,
  });
  return {
    output_dir: folder,
    rows: Object.fromEntries(SPLIT_NAMES.map((split) => [split, splits[split].length])),
  };
}

/** The row with a demonstration as the assistant's turn. */
const worked = (row: FactorizationRow) => ({
  ...row,
  messages: [...row.messages, { role: 'assistant', content: JSON.stringify(demonstration(row)) }],
});

function optionsOf({ seed, num_samples, optimize, tiers, ...rest }: DataConfig) {
  const { samples_per_tier, max_value } = rest;
  const { enhanced_share } = rest.factorization;
  return { seed, num_samples, optimize, tiers, samples_per_tier, max_value, enhanced_share };
}

function combined(folders: readonly string[]): Rows {
  const read = (split: string) =>
    folders.flatMap((folder) => readJsonl(join(folder, `${split}.jsonl`)) as FactorizationRow[]);
  return { train: read('train'), valid: read('valid'), test: read('test') };
}

async function generated(config: DataConfig): Promise<Rows> {
  const { seed, factorization } = config;
  const plans = planTiers({
    numSamples: config.num_samples ?? DEFAULT_SAMPLES,
    tiers: typeof config.tiers === 'number' ? [config.tiers] : config.tiers,
    samplesPerTier: config.samples_per_tier,
    maxValue: config.max_value,
    optimize: config.optimize,
  });
  const made = await ofTiers(plans, config.num_workers, ({ tier, count }) => {
    const counts = apportion(count, SPLIT_SHARES);
    const shared = { seed, tier, enhancedShare: factorization.enhanced_share };
    return SPLIT_NAMES.map((split, i) => ({ ...shared, split, count: counts[i] ?? 0 }));
  });
  const rowsOf = (split: number) =>
    Rng.of(seed, 'factorization-order', SPLIT_NAMES[split]!).shuffle(
      made.flatMap((rows) => rows[split]!),
    );
  return { train: rowsOf(0), valid: rowsOf(1), test: rowsOf(2) };
}

/** Rows of each tier by split. A tier is made by one thread, so that they do not depend on the number of threads. */
async function ofTiers(
  plans: readonly TierPlan[],
  workers: number,
  optionsOf: (plan: TierPlan) => readonly RowOptions[],
): Promise<FactorizationRow[][][]> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const module = new URL(`../../data/factorization/rows${extension}`, import.meta.url);
  const shares = groupBy(plans.keys(), (place) => place % workers);
  const made: FactorizationRow[][][] = [];
  const make = async (places: readonly number[]) => {
    const args = [places.map((place) => optionsOf(plans[place]!))];
    const rows = await inThread<FactorizationRow[][][]>({ module, name: 'rowsOfTiers', args });
    for (const [i, place] of places.entries()) made[place] = rows[i]!;
  };
  try {
    await Promise.all([...shares.values()].map(make));
  } catch (error) {
    throw new InputError(messageOf(error));
  }
  return made;
}

function statisticsOf(splits: Rows) {
  const all = SPLIT_NAMES.flatMap((split) => splits[split]);
  const count = (of: (row: FactorizationRow) => unknown) => {
    const counts: Record<string, number> = {};
    for (const row of all) counts[String(of(row))] = (counts[String(of(row))] ?? 0) + 1;
    return counts;
  };
  const tiers = count(({ metadata }) => metadata.tier);
  return {
    rows: all.length,
    tiers,
    shares: Object.fromEntries(
      Object.entries(tiers).map(([tier, rows]) => [tier, rows / all.length]),
    ),
    kinds: count(({ metadata }) => metadata.kind),
    algorithms: count(({ metadata }) => metadata.algorithm),
    enhanced: all.filter(({ metadata }) => metadata.enhanced).length,
    primes: all.filter(({ metadata }) => metadata.is_prime).length,
    different_numbers: new Set(all.map(({ number }) => number)).size,
    largest: all.reduce((largest, { number }) => Math.max(largest, number), 0),
  };
}
