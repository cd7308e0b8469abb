/** `lorikeet solve`: one problem by a strategy. */
import { z } from 'zod';
import { text, whole } from './fields.js';
import { adaptedKeys, samplerKeys, samplingKeys, stopKey, tagKeys } from './groups.js';
import { checkQuantization } from './quantization.js';
import { strategyKeys } from './strategy.js';

export const solveSchema = z
  .strictObject({
    ...adaptedKeys,
    problem: text().describe('The problem to solve'),
    grader: z
      .enum(['numeric', 'math'])
      .default('math')
      .describe('How answers are read: a number in the tags, or any marked mathematics'),
    ...strategyKeys,
    ...tagKeys,
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    ...samplingKeys(0.7),
    max_new_tokens: whole(1).default(1024).describe('Longest completion, tokens'),
    ...stopKey,
    ...samplerKeys,
  })
  .superRefine(checkQuantization);

export type SolveConfig = z.output<typeof solveSchema>;
