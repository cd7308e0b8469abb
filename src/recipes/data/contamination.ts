/**
 * `lorikeet data contamination`: which training rows share 13-grams with benchmark rows, listed, and the
 * training rows without them.
 */
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import { findContamination, loadRows } from '../../data/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, writeJson, writeJsonl } from '../../util/files.js';
import { fieldNames } from '../../util/shown.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';
import { removeFiles } from './set-files.js';

const [REPORT, PAIRS, CLEAN] = ['contamination.json', 'overlaps.jsonl', 'clean.jsonl'] as const;
export const CONTAMINATION_FILES = [REPORT, PAIRS, CLEAN];

/** The text of a row that is compared: the columns that it has. */
function textOf(row: JsonRow, columns: readonly string[]): string | null {
  const parts = columns.map((name) => row[name]).filter((value) => value !== undefined);
  const texts = parts.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return texts.length === 0 ? null : texts.join('\n');
}

interface Source {
  readonly name: string;
  readonly split: string;
  readonly revision: string | null;
  readonly columns: readonly string[];
}

async function textsOf({ name, split, revision, columns }: Source, context: RecipeContext) {
  const { rows, where } = await loadRows(name, {
    split,
    hub: hubOptions(context),
    ...pinned(revision, 'contamination.train_revision'),
  });
  const text = (index: number): string => {
    const row = rows[index]!;
    const own = textOf(row, columns);
    if (own !== null) return own;
    const problem = `none of the columns ${columns.join(', ')} (it has ${fieldNames(row)})`;
    throw new InputError({ where: where(index), problem, remedy: 'Set contamination.columns' });
  };
  return { rows, text, where };
}

/** One text after the other, as those of a large set would fill the memory. */
function* textsIn({ rows, text }: Awaited<ReturnType<typeof textsOf>>): Generator<string> {
  for (const index of rows.keys()) yield text(index);
}

/** @throws InputError without training rows or benchmarks, or on a row without any of the columns. */
export async function checkContamination(
  config: DataConfig,
  folder: string,
  context: RecipeContext,
) {
  const { train, train_split, benchmarks, benchmark_split, columns, ngram } = config.contamination;
  if (train === null || benchmarks.length === 0) {
    throw new InputError({
      where: train === null ? 'contamination.train' : 'contamination.benchmarks',
      problem: 'missing',
      remedy:
        'Give e.g. contamination.train=gsm8k contamination.benchmarks=[gsm8k-platinum] (names or files)',
    });
  }
  const { train_revision: revision } = config.contamination;
  const training = { name: train, split: train_split, revision, columns };
  const trained = await textsOf(training, context);
  const dirty = new Set<number>();
  const pairs: JsonRow[] = [];
  const reports: JsonRow[] = [];
  for (const name of benchmarks) {
    const benchmark = { name, split: benchmark_split, revision: null, columns };
    const tested = await textsOf(benchmark, context);
    const benchmarkTexts = tested.rows.map((_, index) => tested.text(index));
    const texts = { train: textsIn(trained), benchmark: benchmarkTexts, n: ngram };
    const { overlaps, short, unchecked } = findContamination(texts);
    for (const { train: at, benchmark: of, shared, example } of overlaps) {
      dirty.add(at);
      const places = { train_row: trained.where(at), benchmark_row: tested.where(of) };
      const both = { train_text: trained.text(at), benchmark_text: tested.text(of) };
      pairs.push({ benchmark: name, ...places, shared, example, ...both });
    }
    const rows = {
      pairs: overlaps.length,
      train_rows: new Set(overlaps.map(({ train: at }) => at)).size,
      benchmark_rows: new Set(overlaps.map(({ benchmark: of }) => of)).size,
    };
    reports.push({ benchmark: name, rows: tested.rows.length, short, unchecked, overlap: rows });
    context.log(
      `${name}: ${rows.train_rows} of ${counted(trained.rows.length, 'training row')} share ${counted(ngram, 'word')} in a row with ${rows.benchmark_rows} of ${counted(tested.rows.length, 'benchmark row')}`,
    );
  }
  const clean = trained.rows.filter((_, index) => !dirty.has(index));
  removeFiles(folder, CONTAMINATION_FILES);
  writeJsonl(join(folder, PAIRS), pairs);
  writeJsonl(join(folder, CLEAN), clean);
  const summary = { train, ngram, columns, train_rows: trained.rows.length, clean: clean.length };
  writeJson(join(folder, REPORT), { ...summary, benchmarks: reports });
  return {
    output_dir: folder,
    rows: { train: trained.rows.length, overlapping: dirty.size, clean: clean.length },
  };
}
