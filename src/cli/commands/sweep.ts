/** `lorikeet sweep` */
import { sweepSchema } from '../../config/index.js';
import type { Command } from '../command.js';
import { handlePipeline } from '../pipeline-call.js';

export const sweep: Command = {
  name: 'sweep',
  usage: 'FILE [grid.x=[…]] [vars.x=value …] [stages.NAME.key=value …]',
  summary: 'Run stages over a grid of values, with stages shared by all, and one table',
  examples: [
    'lorikeet sweep configs/gsm8k/sweep.yaml',
    "lorikeet sweep configs/gsm8k/sweep.yaml grid.n='[64, 128]'",
  ],
  schema: sweepSchema,
  isPipeline: true,
  handle: async (call) => {
    const { planPipeline: plan } = await import('../../recipes/pipeline.js');
    const { loadSweep: load, runSweep } = await import('../../recipes/sweep.js');
    await handlePipeline(call, { schema: sweepSchema, load, plan, run: runSweep });
  },
};
