/** `lorikeet run` */
import { pipelineSchema } from '../../config/index.js';
import type { Command } from '../command.js';
import { handlePipeline } from '../pipeline-call.js';

export const run: Command = {
  name: 'run',
  usage: 'FILE [vars.x=value …] [stages.NAME.key=value …]',
  summary: 'Run a pipeline: stages that are skipped when done, resumable, with gates',
  examples: [
    'lorikeet run configs/gsm8k/compare.yaml',
    'lorikeet run configs/gsm8k/compare.yaml --dry-run',
    'lorikeet run configs/gsm8k/compare.yaml vars.train_samples=64 stages.grpo.num_generations=4',
  ],
  schema: pipelineSchema,
  isPipeline: true,
  handle: async (call) => {
    const recipe = await import('../../recipes/pipeline.js');
    const { loadPipeline: load, planPipeline: plan, runPipeline } = recipe;
    await handlePipeline(call, { schema: pipelineSchema, load, plan, run: runPipeline });
  },
};
