/** `lorikeet job` */
import { jobSchema } from '../../config/index.js';
import type { JobStatus } from '../../recipes/job.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';

export const job = defineCommand({
  name: 'job',
  summary: 'Status and last events of a training run, in the words of fine-tuning services',
  schema: jobSchema,
  positional: { key: 'run', isList: false },
  examples: [
    'lorikeet job outputs/grpo',
    'lorikeet job run=outputs/grpo output=results/job_status.json limit=10',
    'lorikeet job outputs/rft refresh=true',
    'lorikeet job outputs/rft cancel=true',
  ],
  plan: (config) => [`reads ${config.run}`],
  run: async (config, context) => (await import('../../recipes/job.js')).runJob(config, context),
  print: readable,
});

function readable({ status, error, trained_steps, metrics, events }: JobStatus): string {
  const numbers = Object.entries(metrics).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${Number(value.toPrecision(4))}`],
  );
  return [
    `Job status: ${status}, ${counted(trained_steps, 'step')}`,
    ...(error === null ? [] : [`Reason: ${error.message}`]),
    ...numbers,
    ...events.map(({ created_at: at, message }) => `${timeOf(at)}: ${message}`),
  ].join('\n');
}

const timeOf = (seconds: number): string =>
  new Date(1000 * seconds).toISOString().replace('.000Z', 'Z');
