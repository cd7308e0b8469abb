/** `lorikeet factorize NUMBER`: one number, factorized by a model. */
import { z } from 'zod';
import { off, on, optionalWhole } from './fields.js';
import { adaptedKeys, samplerKeys, samplingKeys } from './groups.js';
import { checkQuantization } from './quantization.js';
import { sourceKeys } from './server.js';

export const factorizeSchema = z
  .strictObject({
    number: z
      .string()
      .regex(/^\d{1,1000}$/)
      .meta({ expected: 'a whole number from 2' })
      .describe('Number to factorize'),
    ...adaptedKeys,
    enhanced: off('Put the system prompt that names the algorithms before the question'),
    ...sourceKeys,
    structured: on('Ask a server for the answer by JSON schema; here it is checked by it'),
    ...samplingKeys(0.3),
    max_new_tokens: optionalWhole(1, 'Longest answer; null is 256 and 64 for each digit'),
    ...samplerKeys,
  })
  .superRefine(checkQuantization);

export type FactorizeConfig = z.output<typeof factorizeSchema>;
