/** `lorikeet traces` */
import { tracesSchema } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';
import { rowsOf } from '../plan.js';

export const traces = defineCommand({
  name: 'traces',
  summary: "A model's first correct solutions as SFT rows",
  schema: tracesSchema,
  examples: [
    'lorikeet traces configs/gsm8k/traces.yaml',
    'lorikeet traces --grpo-model outputs/grpo --dataset gsm8k --num-samples 2048 --max-attempts 5',
  ],
  plan: (config) => [
    `up to ${counted(config.max_attempts, 'attempt')} at ${rowsOf(config.dataset)} by ${config.model}`,
    `writes ${config.output_dir}/${config.output_file} and ${config.output_file}.stats.json`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/traces.js')).runTraces(config, context),
});
