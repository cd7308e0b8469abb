/** `lorikeet factorize NUMBER`: one number, factorized by a model. */
import { z } from 'zod';
import { optionalWhole } from './fields.js';
import {
  adapterKeys,
  exactRolloutKeys,
  machineKeys,
  modelKeys,
  samplingKeys,
  seedKey,
} from './groups.js';
import { checkQuantization } from './quantization.js';
import { serverSchema } from './server.js';

export const factorizeSchema = z
  .strictObject({
    number: z
      .string()
      .regex(/^\d{1,1000}$/)
      .meta({ expected: 'a whole number from 2' })
      .describe('Number to factorize'),
    ...modelKeys,
    ...adapterKeys,
    enhanced: z
      .boolean()
      .default(false)
      .describe('Put the system prompt that names the algorithms before the question'),
    engine: z
      .enum(['onnxruntime', 'server'])
      .default('onnxruntime')
      .describe('Sample here, or ask an OpenAI-compatible server'),
    server: serverSchema,
    structured: z
      .boolean()
      .default(true)
      .describe('Ask a server for the answer by JSON schema; here it is checked by it'),
    ...samplingKeys(0.3),
    max_new_tokens: optionalWhole(1, 'Longest answer; null is 256 and 64 for each digit'),
    ...exactRolloutKeys,
    ...machineKeys,
    ...seedKey,
  })
  .superRefine(checkQuantization);

export type FactorizeConfig = z.output<typeof factorizeSchema>;
