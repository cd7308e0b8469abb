/** `lorikeet data NAME`: makes or fetches a data set into JSONL with splits and statistics. */
import { z } from 'zod';
import { optionalText, optionalWhole, text } from './fields.js';
import { overwriteKey, seedKey } from './groups.js';

export const dataSchema = z.strictObject({
  name: text().describe('Data set (gsm8k, gsm8k-platinum, math, arithmetic)'),
  output_dir: optionalText('Folder of the JSONL files; null means outputs/data/<name>'),
  ...overwriteKey,
  train_samples: optionalWhole(1, "Rows of train.jsonl; null takes the data set's own number"),
  valid_samples: optionalWhole(
    1,
    'Rows of valid.jsonl, taken from the training rows; null makes none',
  ),
  test_samples: optionalWhole(1, "Rows of test.jsonl; null takes the data set's own number"),
  ...seedKey,
});

export type DataConfig = z.output<typeof dataSchema>;
