/** `lorikeet generate`: batched sampling into rows. */
import { z } from 'zod';
import { off, optionalInput, optionalPath, optionalText, whole } from './fields.js';
import { graderKeys } from './grader-keys.js';
import {
  adaptedKeys,
  decodingKeys,
  overwriteKey,
  rewardsKey,
  samplerKeys,
  samplingKeys,
  stopKey,
  tagKeys,
} from './groups.js';
import { checkQuantization } from './quantization.js';
import { resumeKey } from './resume.js';
import { serverSchema } from './server.js';

export const generateSchema = z
  .strictObject({
    ...adaptedKeys,
    input: optionalInput('Rows with ids, prompt or messages (JSONL, CSV, …), or lines of a .txt'),
    prompt: optionalText('One prompt, in place of input'),
    chat: off('Put text prompts into the chat template, as a user message'),
    overlong_prompts: z
      .enum(['error', 'left'])
      .meta({ same: { never: 'error' } })
      .default('error')
      .describe('Prompts that leave no room for the completion: stop, or cut their beginning'),
    output: optionalPath('JSONL of completions; null prints them'),
    output_csv: optionalPath('CSV of the same rows'),
    ...overwriteKey,
    ...resumeKey('auto keeps the rows that are there and makes the others'),
    rewards: rewardsKey.default([]).describe('Grade the completions; rows need their gold answer'),
    ...graderKeys,
    ...tagKeys,
    engine: z
      .enum(['onnxruntime', 'tensorflow', 'server'])
      .default('onnxruntime')
      .describe("tensorflow: the trainer's own pass, slow; server: an OpenAI-compatible server"),
    server: serverSchema,
    num_generations: whole(1).default(1).describe('Completions for each prompt'),
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    ...samplingKeys(1),
    max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
    ...decodingKeys,
    ...stopKey,
    ...samplerKeys,
  })
  .refine((config) => (config.input === null) !== (config.prompt === null), {
    path: ['input'],
    message: 'exactly one of input and prompt is needed. Give input=FILE or prompt=TEXT',
  })
  .superRefine(checkQuantization);

export type GenerateConfig = z.output<typeof generateSchema>;
