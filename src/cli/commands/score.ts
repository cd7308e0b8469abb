/** `lorikeet score` */
import { scoreSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const score = defineCommand({
  name: 'score',
  summary: 'Per-token log-probabilities of given texts or ids',
  schema: scoreSchema,
  examples: [
    'lorikeet score model=outputs/sft input=rows.jsonl output=scores.jsonl engine=onnxruntime',
  ],
  plan: (config) => [
    `scores ${config.input} on ${config.engine}, ${config.compute_dtype} products`,
    `writes ${config.output ?? 'standard output'}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/score.js')).runScore(config, context),
  print: (result, config) => (config.output === null ? null : JSON.stringify(result)),
});
