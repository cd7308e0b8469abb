/** `lorikeet pairs` */
import { pairsSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const pairs = defineCommand({
  name: 'pairs',
  summary: 'Completion rows into preference pairs',
  schema: pairsSchema,
  examples: ['lorikeet pairs input=outputs/sft/samples.jsonl output=pairs.jsonl min_margin=0.5'],
  plan: (config) => [`ranks ${config.input} by ${config.score}`, `writes ${config.output}`],
  run: async (config, context) =>
    (await import('../../recipes/pairs.js')).runPairs(config, context),
});
