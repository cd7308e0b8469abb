/** `lorikeet eval` */
import { evalSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';
import { rowsOf } from '../plan.js';

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'Evaluate a model on a benchmark; the last line of output is the metrics as JSON',
  schema: evalSchema,
  examples: [
    'lorikeet eval configs/gsm8k/base_eval.yaml',
    'lorikeet eval model=outputs/grpo benchmark=gsm8k num_samples=200 output_file=grpo_eval.csv',
  ],
  plan: (config) => [
    `evaluates ${config.model} on ${config.benchmark}: ${rowsOf(
      config.dataset,
      `${config.dataset.num_samples ?? 'all'} rows of its ${config.dataset.split} split`,
    )}`,
    `writes ${config.output_dir ?? 'outputs/<run id>'}/debug/${config.output_file ?? `${config.stage}_<run_id>.csv`}`,
  ],
  run: async (config, context) => (await import('../../recipes/eval.js')).runEval(config, context),
});
