/** Where rows come from: a named data set (built in, or on the hub) or a file, and which of them. */
import { z } from 'zod';
import { ROW_FILE_ENDINGS } from '../../util/row-file-endings.js';
import { DATASET_NAMES } from '../known-names.js';
import { on, optionalInput, optionalText, orNull, text, whole } from './fields.js';
import { issueAt } from './issue-at.js';

const ROW_FILE = new RegExp(`(?:${ROW_FILE_ENDINGS.join('|').replaceAll('.', '\\.')})$`, 'i');

const shape = {
  name: orNull(
    text().meta({ path: 'other', choices: DATASET_NAMES }),
    'Data set name (gsm8k, arithmetic, …) or hub id',
  ),
  path: optionalInput('File of rows (JSONL, also .gz; JSON, CSV, TSV, Parquet), in place of name'),
  subset: optionalText('Configuration of a hub data set (openai/gsm8k: main)'),
  revision: optionalText('Branch, tag or commit of a hub data set; null is main'),
  split: text().refine((split) => !split.includes('['), {
    error: ({ input }) =>
      `"${input}" is a part of a split, which is not read. Name the split, and use num_samples`,
  }),
  columns: z
    .record(text(), text())
    .default({})
    .describe(
      'Our name: column, or text with {column}s, e.g. {question: "{instruction}\\n{input}"}',
    ),
  num_samples: whole(1).nullable(),
  shuffle: on('Shuffle (seeded) before taking num_samples'),
};

/** `dataset: gsm8k` and `dataset: rows.jsonl` are short for `{name: …}` and `{path: …}`. */
function expandShorthand(value: string): Record<string, unknown> {
  return ROW_FILE.test(value) ? { path: value, name: null } : { name: value, path: null };
}

interface Source {
  readonly name: string | null;
  readonly path: string | null;
}

/** Issue on a data set that names no rows; for configs where nothing else can name them. */
export function requireRows(dataset: Source, context: z.RefinementCtx): void {
  if (dataset.name !== null || dataset.path !== null) return;
  issueAt(context)('dataset', 'no rows are named. Give dataset=NAME or dataset.path=FILE');
}

/** The same where the rows are those of the key `dataset`. */
export const checkRows = ({ dataset }: { dataset: Source }, context: z.RefinementCtx): void =>
  requireRows(dataset, context);

/** @param defaults defaults of this use, where they differ from the common ones */
export const datasetSchema = (defaults: { split?: string; numSamples?: number } = {}) =>
  z
    .strictObject({
      ...shape,
      split: shape.split.default(defaults.split ?? 'train').describe('Split of a named data set'),
      num_samples: shape.num_samples
        .default(defaults.numSamples ?? null)
        .describe('Rows taken after the seeded shuffle; null takes all'),
    })
    .refine((source) => source.name === null || source.path === null, {
      path: ['path'],
      message: 'both name and path are set. Keep one and set the other to null',
    })
    .meta({ path: 'other', shorthand: expandShorthand, choices: DATASET_NAMES, files: ROW_FILE })
    .prefault({});

export type DatasetConfig = z.output<ReturnType<typeof datasetSchema>>;
