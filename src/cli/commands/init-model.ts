/** `lorikeet init-model` */
import { initModelSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const initModel = defineCommand({
  name: 'init-model',
  summary: 'Random checkpoint in Hugging Face layout, with a tokenizer',
  schema: initModelSchema,
  examples: [
    'lorikeet init-model configs/gsm8k/model.yaml output=outputs/model',
    'lorikeet init-model output=outputs/model architecture.hidden_size=128 seed=7',
  ],
  plan: ({ architecture, tokenizer, dtype, output }) => [
    `${architecture.model_type}: ${architecture.num_hidden_layers} layers of width ${architecture.hidden_size}, ${dtype}`,
    `tokenizer: ${tokenizer.path ?? `bytes, up to ${tokenizer.vocab_size} ids`}`,
    `writes ${output}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/init-model.js')).runInitModel(config, context),
});
