/** `lorikeet traces`: first correct sampled solution of each question, else the data set's own. */
import { z } from 'zod';
import { checkRows, datasetSchema } from './dataset.js';
import { fileWord, otherPath, whole } from './fields.js';
import {
  adaptedKeys,
  overwriteKey,
  samplerKeys,
  samplingKeys,
  stopKey,
  tagKeys,
} from './groups.js';
import { inTurn } from './in-turn.js';
import { checkQuantization } from './quantization.js';
import { resumeKey } from './resume.js';

export const tracesSchema = z
  .strictObject({
    ...adaptedKeys,
    dataset: datasetSchema({ numSamples: 2048 }),
    output_dir: otherPath().default('outputs/traces').describe('Folder of the traces'),
    output_file: fileWord()
      .default('grpo_traces_train.jsonl')
      .describe('JSONL of {question, answer}; <file>.stats.json stands beside it'),
    ...overwriteKey,
    ...resumeKey('auto goes on where an interrupted run of the same config stopped'),
    ...tagKeys,
    batch_size: whole(1).default(32).describe('Questions sampled together'),
    max_attempts: whole(1)
      .default(5)
      .describe('Attempts at a question before its own solution is used'),
    ...samplingKeys(0.8),
    max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
    ...stopKey,
    ...samplerKeys,
  })
  .superRefine(inTurn(checkRows, checkQuantization));

export type TracesConfig = z.output<typeof tracesSchema>;
