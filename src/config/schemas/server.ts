/** Where a sampling server is, and how it is spoken to. */
import { z } from 'zod';
import { optionalPath, optionalText, seconds, whole } from './fields.js';

export const serverSchema = z
  .strictObject({
    base_url: optionalText('Address, as http://127.0.0.1:8000/v1; null takes OPENAI_BASE_URL'),
    api_key_env: optionalText('Variable that holds the key; null takes OPENAI_API_KEY if set'),
    api: z
      .enum(['completions', 'chat', 'responses'])
      .default('completions')
      .describe('completions sends token ids; chat and responses send messages'),
    model: optionalText('Name of the model on the server; null takes model'),
    adapter_dir: optionalPath('Folder that the server sees too, to load the adapter from (vLLM)'),
    reasoning: z
      .strictObject({
        effort: optionalText('As the server names it: minimal, low, medium, high'),
        summary: optionalText('auto, concise or detailed; null asks for none'),
      })
      .prefault({}),
    extra_body: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Further fields of each request'),
    max_concurrency: whole(1).default(8).describe('Requests on their way at the same time'),
    timeout_s: seconds().default(120).describe('Longest time of one try'),
    max_attempts: whole(1).default(4).describe('Tries of one request, with growing waits'),
  })
  .prefault({});

/** Where completions are from. */
export const sourceKeys = {
  engine: z
    .enum(['onnxruntime', 'server'])
    .default('onnxruntime')
    .describe('Sample here, or ask an OpenAI-compatible server'),
  server: serverSchema,
};

export type ServerConfig = z.output<typeof serverSchema>;
