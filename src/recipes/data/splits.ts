/** The splits of `lorikeet data`: generated, or read and cut by seed. */
import type { DataConfig } from '../../config/index.js';
import {
  ARITHMETIC_SET,
  type ArithmeticOptions,
  loadRows,
  makeArithmetic,
  type NamedDataset,
} from '../../data/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';

export const SPLITS = ['train', 'valid', 'test'] as const;

interface Split {
  readonly rows: readonly JsonRow[];
  /** Where the rows come from, for the statistics. */
  readonly origin: object;
  /** Said behind their count. */
  readonly note?: string;
}

/** By name, in the order in which they are written. */
export type Splits = Readonly<Record<string, Split>>;

/** @throws InputError when more rows are asked for than there are. */
export async function makeSplits(
  config: DataConfig,
  dataset: NamedDataset,
  context: RecipeContext,
): Promise<Splits> {
  if (dataset.kind === 'generated') return generateSplits(config);
  const load = async (split: string): Promise<Split> => {
    const { rows, provenance } = await loadRows(config.name, {
      split,
      hub: hubOptions(context),
      ...pinned(config.revision, 'revision'),
    });
    return { rows, origin: { provenance } };
  };
  const { seed, test_samples: testSize } = config;
  const train = dataset.splits.includes('train') ? cutTrain(config, await load('train')) : {};
  if (train.train === undefined) checkUnused(config);
  if (!dataset.splits.includes('test')) return train;
  const test = await load('test');
  const rows = chosen(test.rows, { key: 'test_samples', size: testSize, seed });
  return { ...train, test: { ...test, rows } };
}

function generateSplits(config: DataConfig): Splits {
  const splits = makeArithmetic({
    seed: config.seed,
    train: config.train_samples ?? ARITHMETIC_SET.train,
    valid: config.valid_samples ?? 0,
    test: config.test_samples ?? ARITHMETIC_SET.test,
    ...arithmeticOptions(config.arithmetic),
  });
  const origin = { provenance: null };
  const named = SPLITS.map((name) => [name, { rows: splits[name], origin }] as const);
  return Object.fromEntries(named.filter(([, { rows }]) => rows.length > 0));
}

function arithmeticOptions(keys: DataConfig['arithmetic']): Partial<ArithmeticOptions> {
  return {
    maxOperand: keys.max_operand,
    carefulShare: keys.careful_share,
    subtractShare: keys.subtract_share,
    levelShares: keys.level_shares,
    templates: keys.templates,
    names: keys.names,
    objects: keys.objects,
    holdOutShare: keys.hold_out_share,
  };
}

interface Choice {
  readonly key: string;
  /** null: all, in the data set's own order. */
  readonly size: number | null;
  readonly seed: number;
}

/** A seeded choice of rows; a smaller one is the beginning of a larger one. */
function chosen(rows: readonly JsonRow[], { key, size, seed }: Choice): readonly JsonRow[] {
  if (size === null) return rows;
  if (size <= rows.length) return Rng.of(seed, 'data-splits').shuffle(rows).slice(0, size);
  throw new InputError({
    where: key,
    problem: `${counted(size, 'row')} asked for, more than there are`,
    remedy: `At most ${rows.length} can be had`,
  });
}

/** Validation rows come first off the seeded order, so that they stay the same for any training size. */
function cutTrain(config: DataConfig, { rows, origin }: Split): Splits {
  const { seed, train_samples: size } = config;
  const held = config.valid_samples ?? 0;
  if (held === 0) {
    return { train: { rows: chosen(rows, { key: 'train_samples', size, seed }), origin } };
  }
  const [key, train] =
    size === null
      ? ['valid_samples and one row to train on', Math.max(1, rows.length - held)]
      : ['train_samples + valid_samples', size];
  const order = chosen(rows, { key, size: held + train, seed });
  return {
    train: { rows: order.slice(held), origin },
    valid: { rows: order.slice(0, held), origin },
  };
}

function checkUnused({ name, train_samples, valid_samples = null }: DataConfig): void {
  if (train_samples === null && valid_samples === null) return;
  throw new InputError({
    where: name,
    problem: 'the data set has no training rows',
    remedy: 'Leave out train_samples and valid_samples',
  });
}
