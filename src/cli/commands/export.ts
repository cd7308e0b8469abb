/** `lorikeet export` */
import { exportSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const exportModel = defineCommand({
  name: 'export',
  summary: 'Merge an adapter into its base, or convert the type of weights',
  schema: exportSchema,
  examples: [
    'lorikeet export model=outputs/sft output=outputs/merged dtype=float32',
    'lorikeet export model=outputs/model output=outputs/half dtype=bfloat16 allow_precision_loss=true',
  ],
  plan: ({ model, adapter, dtype, max_logprob_difference: limit, output }) => [
    `weights of ${model}${adapter === null ? '' : ` with ${adapter}`}, ${dtype === 'auto' ? "in the base's own type" : dtype}`,
    `passes when log-probabilities change by at most ${limit}`,
    `writes ${output}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/export.js')).runExport(config, context),
});
