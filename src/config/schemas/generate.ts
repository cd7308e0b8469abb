/** `lorikeet generate`: batched sampling into rows. */
import { z } from 'zod';
import { optionalInput, optionalText, text, whole } from './fields.js';
import {
  adapterKeys,
  machineKeys,
  modelKeys,
  overwriteKey,
  rewardsKey,
  samplingKeys,
  seedKey,
  stopKey,
  tagKeys,
} from './groups.js';

export const generateSchema = z
  .strictObject({
    ...modelKeys,
    ...adapterKeys,
    input: optionalInput('JSONL rows with ids, prompt or messages'),
    prompt: optionalText('One prompt, in place of input'),
    output: text().nullable().default(null).describe('JSONL of completions; null prints them'),
    ...overwriteKey,
    rewards: rewardsKey.default([]).describe('Grade the completions; rows need their gold answer'),
    ...tagKeys,
    num_generations: whole(1).default(1).describe('Completions for each prompt'),
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    ...samplingKeys(1),
    max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
    ...stopKey,
    ...machineKeys,
    ...seedKey,
  })
  .refine((config) => (config.input === null) !== (config.prompt === null), {
    path: ['input'],
    message: 'exactly one of input and prompt is needed. Give input=FILE or prompt=TEXT',
  });

export type GenerateConfig = z.output<typeof generateSchema>;
