/** `lorikeet generate` */
import { generateSchema } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';

export const generate = defineCommand({
  name: 'generate',
  summary: 'Sample completions of prompts into rows',
  schema: generateSchema,
  examples: [
    'lorikeet generate model=outputs/grpo input=prompts.jsonl output=completions.jsonl temperature=0.7',
    "lorikeet generate model=outputs/sft prompt='What is 2 + 3?' temperature=0",
  ],
  plan: (config) => [
    `${counted(config.num_generations, 'completion')} for each prompt of ${config.input ?? 'the command line'}`,
    `writes ${config.output ?? 'standard output'}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/generate.js')).runGenerate(config, context),
  print: (result, config) => (config.output === null ? null : JSON.stringify(result)),
});
