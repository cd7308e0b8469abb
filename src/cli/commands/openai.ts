/** `lorikeet openai` */
import { openaiSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const openai = defineCommand({
  name: 'openai',
  summary: "Fine-tune by OpenAI's service: SFT, DPO, or reinforcement with a grader object",
  schema: openaiSchema,
  positional: { key: 'method', isList: false },
  examples: [
    'lorikeet openai sft model=gpt-4.1-mini-2025-04-14 training_file=train.jsonl suffix=demo',
    'lorikeet openai rft model=o4-mini-2025-04-16 training_file=train.jsonl grader_file=grader.json',
    'lorikeet openai dpo model=gpt-4.1-mini-2025-04-14 training_file=pairs.jsonl output_dir=outputs/dpo resume=auto',
  ],
  plan: async (config) => (await import('../../recipes/openai.js')).planOpenai(config),
  run: async (config, context) =>
    (await import('../../recipes/openai.js')).runOpenai(config, context),
});
