/** `lorikeet eval`: a benchmark on a model, with a CSV row for each example. */
import { z } from 'zod';
import { datasetSchema } from './dataset.js';
import { fileWord, text, whole } from './fields.js';
import {
  adapterKeys,
  machineKeys,
  modelKeys,
  outputKeys,
  samplingKeys,
  seedKey,
  stageKey,
  stopKey,
  tagKeys,
} from './groups.js';

export const evalSchema = z.strictObject({
  ...modelKeys,
  ...adapterKeys,
  benchmark: text().default('gsm8k').describe('Benchmark: which rows and how they are graded'),
  dataset: datasetSchema({ split: 'test' }).describe("Rows in place of the benchmark's own"),
  ...outputKeys,
  output_file: fileWord()
    .nullable()
    .default(null)
    .describe('CSV name in debug/; null is <stage>_<run_id>.csv'),
  stage: stageKey('eval'),
  ...tagKeys,
  batch_size: whole(1).default(32).describe('Prompts sampled together'),
  ...samplingKeys(0),
  max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
  ...stopKey,
  ...machineKeys,
  ...seedKey,
});

export type EvalConfig = z.output<typeof evalSchema>;
