/** `lorikeet predict`: answers to rows for reinforcement fine-tuning, kept by run, and their scores. */
import { z } from 'zod';
import { fileWord, optionalInput, optionalText, otherPath, whole } from './fields.js';
import { graderKeys } from './grader-keys.js';
import { adaptedKeys, overwriteKey, rewardsKey, samplerKeys, samplingKeys } from './groups.js';
import { issueAt } from './issue-at.js';
import { checkQuantization } from './quantization.js';
import { resumeKey } from './resume.js';
import { sourceKeys } from './server.js';

export const predictSchema = z
  .strictObject({
    ...adaptedKeys,
    input: optionalInput('Rows with messages and reference_answer; null: those of data medical'),
    data_dir: otherPath().default('data').describe('Folder of data medical'),
    subset: fileWord().default('train').describe('train or val; part of the file names'),
    prompt_type: fileWord().default('simple').describe('Prompt of the rows, part of the names'),
    model_label: optionalText('Name of the model in file names; null is model'),
    reasoning_effort: optionalText('Asked of a server, and part of the names; null is none'),
    n_runs: whole(1).default(3).describe('Runs, with seeds seed, seed + 1, …'),
    output_dir: otherPath().default('data/rft/predictions').describe('Folder of all files'),
    graders: rewardsKey
      .min(1)
      .prefault([{ name: 'medical_combined' }])
      .describe('Rewards or grader objects that score the predictions, each by itself'),
    ...graderKeys,
    ...overwriteKey,
    ...resumeKey(
      'auto takes predictions that are there and makes the rest; never refuses them',
      'auto',
    ),
    ...sourceKeys,
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    ...samplingKeys(1),
    max_new_tokens: whole(1).default(512).describe('Longest prediction, tokens'),
    ...samplerKeys,
  })
  .superRefine(checkQuantization)
  .superRefine((config, context) => {
    if (config.engine === 'server' || config.reasoning_effort === null) return;
    issueAt(context)(
      'reasoning_effort',
      'it belongs to a server and means nothing locally. Leave it out',
    );
  });

export type PredictConfig = z.output<typeof predictSchema>;
