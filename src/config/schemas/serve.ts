/** `lorikeet serve`: a model behind OpenAI's API. */
import { z } from 'zod';
import { inputPath, optionalText, optionalWhole, orNull, text, whole } from './fields.js';
import { fastSamplerKeys, filterKeys, modelKeys, samplingKeys, stopKey } from './groups.js';
import { checkQuantization } from './quantization.js';

/** What samples, and how where nothing else is asked for. */
export const engineKeys = {
  max_new_tokens: whole(1).default(512).describe('Longest answer, tokens, where none is asked for'),
  max_model_len: optionalWhole(2, 'Longest prompt and answer together; null: 4096 at most'),
  prefix_cache_mib: whole(0)
    .default(1024)
    .describe('Keys and values kept for prompts that go on from earlier ones; on the CPU'),
  ...stopKey,
  ...filterKeys,
  ...fastSamplerKeys,
};

export const serveSchema = z
  .strictObject({
    ...modelKeys,
    adapter: orNull(
      z.union([inputPath(), z.array(inputPath()).min(1)]),
      'PEFT adapter folder to put on the model, or a list, each served beside the base',
    ),
    host: text()
      .default('127.0.0.1')
      .describe('Address to listen on; 0.0.0.0 is open to the network'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(8000)
      .describe('Port to listen on; 0 takes a free one'),
    api_key_env: optionalText('Variable that holds the key clients must send; null asks for none'),
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    max_queue: whole(1).default(512).describe('Completions that may wait or be at work'),
    max_body_kib: whole(1).default(4096).describe('Largest body of a request'),
    ...samplingKeys(1),
    ...engineKeys,
  })
  .superRefine(checkQuantization);

export type ServeConfig = z.output<typeof serveSchema>;
