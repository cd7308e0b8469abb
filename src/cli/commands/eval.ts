/** `lorikeet eval` */
import { type EvalConfig, evalSchema, samplesOf } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';
import { rowsOf } from '../plan.js';

function solvedBy(config: EvalConfig): string {
  const { strategy, temperature } = config;
  const sampling = temperature === 0 ? 'greedy' : `at temperature ${temperature}`;
  const samples = strategy === 'greedy' ? config.num_generations : samplesOf(config);
  const things = counted(samples, strategy === 'greedy' ? 'completion' : 'solution');
  const how = strategy === 'greedy' ? '' : ` by ${strategy}`;
  return `${things} of each problem${how}, ${sampling}`;
}

async function planOf(config: EvalConfig): Promise<string[]> {
  const { benchmarkRows } = await import('../../recipes/evaluation/benchmark.js');
  const file = config.output_file ?? `${config.stage}_<run_id>.csv`;
  return [
    `evaluates ${config.model} on ${config.benchmark}: ${rowsOf(benchmarkRows(config))}`,
    solvedBy(config),
    `writes ${config.output_dir ?? 'outputs/<run id>'}/debug/${file}`,
  ];
}

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'Evaluate a model on a benchmark; the last line of output is the metrics as JSON',
  schema: evalSchema,
  examples: [
    'lorikeet eval configs/gsm8k/base_eval.yaml',
    'lorikeet eval model=outputs/grpo benchmark=gsm8k dataset.num_samples=200 output_file=grpo_eval.csv',
    'lorikeet eval --model outputs/rl --benchmark math-level-5 strategy=tir',
  ],
  plan: planOf,
  run: async (config, context) => (await import('../../recipes/eval.js')).runEval(config, context),
});
