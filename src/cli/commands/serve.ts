/** `lorikeet serve` */
import { serveSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const serve = defineCommand({
  name: 'serve',
  summary: "Serve a model by OpenAI's API, for any client",
  schema: serveSchema,
  examples: [
    'lorikeet serve model=outputs/grpo',
    "lorikeet serve model=Qwen/Qwen2.5-0.5B-Instruct adapter='[outputs/sft,outputs/dpo]' port=8080",
  ],
  plan: ({ model, adapter, host, port }) => [
    `serves ${[model, ...(adapter === null ? [] : [adapter].flat())].join(', ')}`,
    `listens on ${host}:${port}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/serve.js')).runServe(config, context),
});
