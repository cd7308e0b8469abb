/** `lorikeet data` */
import { dataSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const data = defineCommand({
  name: 'data',
  summary: 'Make or fetch a data set into JSONL with splits and statistics',
  schema: dataSchema,
  positional: { key: 'name', isList: false },
  examples: [
    'lorikeet data gsm8k',
    'lorikeet data arithmetic train_samples=2000 test_samples=400 seed=1 output_dir=data/arithmetic',
  ],
  plan: (config) => [
    `makes ${config.name}`,
    `writes ${config.output_dir ?? `outputs/data/${config.name}`}`,
  ],
  run: async (config, context) => (await import('../../recipes/data.js')).runData(config, context),
});
