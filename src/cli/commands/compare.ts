/** `lorikeet compare` */
import { compareSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const compare = defineCommand({
  name: 'compare',
  summary: 'Runs or evaluations side by side, paired by example',
  schema: compareSchema,
  positional: { key: 'inputs', isList: true },
  examples: ['lorikeet compare outputs/prep_sft outputs/grpo output=table.csv'],
  plan: (config) => [`compares ${config.inputs.join(', ')}`],
  run: async (config, context) =>
    (await import('../../recipes/compare.js')).runCompare(config, context),
  print: async (result) => (await import('../../recipes/compare.js')).compareText(result),
});
