/** `lorikeet dpo` */
import { dpoSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';
import { dpoPlan } from '../plan.js';

export const dpo = defineCommand({
  name: 'dpo',
  summary: 'Train on preference pairs',
  schema: dpoSchema,
  examples: ['lorikeet dpo model=outputs/sft dataset=pairs.jsonl output_dir=outputs/dpo beta=0.1'],
  plan: dpoPlan,
  run: async (config, context) => (await import('../../recipes/dpo.js')).runDpo(config, context),
  preview: async (config, request) =>
    (await import('../../recipes/dpo.js')).previewDpo(config, request),
});
