/** `lorikeet rollouts` */
import { rolloutsSchema } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';
import { rowsOf } from '../plan.js';

export const rollouts = defineCommand({
  name: 'rollouts',
  summary: 'Several trajectories of each question over arms, scored for coherence',
  schema: rolloutsSchema,
  examples: [
    'lorikeet rollouts model=outputs/sft dataset=gsm8k output=trajectories.jsonl bandit=thompson',
  ],
  plan: (config) => [
    `${counted(config.trajectories, 'trajectory')} for each of ${rowsOf(config.dataset)}`,
    `arms (${config.bandit}): ${config.arms.map(({ name }) => name).join(', ')}`,
    `each also asked under ${config.perturbations.join(', ') || 'no other wording'}`,
    `writes ${config.output}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/rollouts.js')).runRollouts(config, context),
});
