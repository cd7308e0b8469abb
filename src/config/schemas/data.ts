/** `lorikeet data NAME`: makes or fetches a data set into JSONL with splits and statistics. */
import { z } from 'zod';
import { nonNegative, optionalText, optionalWhole, text, whole, within } from './fields.js';
import { overwriteKey, seedKey } from './groups.js';

/** Shape of the arithmetic set. */
const arithmeticKeys = z
  .strictObject({
    max_operand: whole(2).default(99).describe('Largest operand'),
    careful_share: within(0, 1).default(0.2).describe('Demonstrations that work digit by digit'),
    subtract_share: within(0, 1).default(0.5).describe('Problems that subtract'),
    level_shares: z
      .strictObject({
        easy: nonNegative().default(0.2).describe('One digit'),
        medium: nonNegative().default(0.3).describe('More digits, no carry or borrow'),
        hard: nonNegative().default(0.5).describe('With a carry or borrow'),
      })
      .prefault({}),
    templates: whole(1).default(2).describe('Wordings of each operation'),
    names: whole(2).default(4).describe('Names of people'),
    objects: whole(1).default(4).describe('Kinds of things'),
    hold_out_share: within(0, 0.4).default(0.15).describe('Sums kept for each held-out split'),
  })
  .prefault({});

export const dataSchema = z.strictObject({
  name: text().describe('Data set (gsm8k, gsm8k-platinum, math, math-500, arithmetic)'),
  output_dir: optionalText('Folder of the JSONL files; null means outputs/data/<name>'),
  ...overwriteKey,
  train_samples: optionalWhole(1, "Rows of train.jsonl; null takes the data set's own number"),
  valid_samples: optionalWhole(
    1,
    'Rows of valid.jsonl, taken from the training rows; null makes none',
  ),
  test_samples: optionalWhole(1, "Rows of test.jsonl; null takes the data set's own number"),
  arithmetic: arithmeticKeys.describe('Shape of the arithmetic set'),
  ...seedKey,
});

export type DataConfig = z.output<typeof dataSchema>;
