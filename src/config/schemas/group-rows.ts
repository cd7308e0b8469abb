/** Keys of the file of completions that are written by the group. */
import { fileWord, on, within } from './fields.js';

export const groupRowKeys = {
  save_samples: on('Write completions by group, beside samples'),
  sample_save_rate: within(0, 1).default(1).describe('Share of the groups that are written'),
  samples_filename: fileWord()
    .default('samples_by_group.jsonl')
    .describe('File of the groups; samples.jsonl moves completions to completions.jsonl'),
};
