/** `lorikeet predict` */
import { predictSchema } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';

export const predict = defineCommand({
  name: 'predict',
  summary: 'Predictions for rows of reinforcement fine-tuning, kept by run and scored by graders',
  schema: predictSchema,
  examples: [
    'lorikeet predict model=outputs/rft data_dir=data subset=val n_runs=3',
    'lorikeet predict engine=server server.api=responses model=o4-mini reasoning_effort=medium',
  ],
  plan: (config) => [
    `asks ${config.model} for ${config.subset} in ${counted(config.n_runs, 'run')}`,
    `writes ${config.output_dir}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/predict.js')).runPredict(config, context),
});
