/** `lorikeet quickstart` */
import { quickstartSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const quickstart = defineCommand({
  name: 'quickstart',
  summary: 'The whole job at tiny size: data, SFT, GRPO, DPO, evaluation',
  schema: quickstartSchema,
  examples: ['lorikeet quickstart', 'lorikeet quickstart seed=7 output_dir=outputs/quickstart-7'],
  plan: (config) => [
    'makes a data set and a tiny model, trains SFT, GRPO and DPO, evaluates all of them',
    `writes ${config.output_dir}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/quickstart.js')).runQuickstart(config, context),
});
