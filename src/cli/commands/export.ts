/** `lorikeet export` */
import { exportSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const exportModel = defineCommand({
  name: 'export',
  summary: 'Merge an adapter into its base, convert the type of weights, or write GGUF',
  schema: exportSchema,
  examples: [
    'lorikeet export model=outputs/sft output=outputs/merged dtype=float32',
    'lorikeet export model=outputs/sft output=outputs/model.gguf format=gguf dtype=q8_0',
    'lorikeet export model=outputs/model output=outputs/half dtype=bfloat16 allow_precision_loss=true',
  ],
  plan: ({ model, adapter, format, dtype, max_logprob_difference: limit, output }) => [
    `weights of ${model}${adapter === null ? '' : ` with ${adapter}`}, ${dtype === 'auto' ? "in the base's own type" : dtype}`,
    limit === null && dtype === 'q8_0'
      ? 'says by how much log-probabilities change'
      : `passes when log-probabilities change by at most ${limit ?? 0.01}`,
    `writes ${output}${format === 'gguf' ? ', one GGUF file' : ''}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/export.js')).runExport(config, context),
});
