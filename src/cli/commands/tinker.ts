/** `lorikeet tinker` */
import { runDir, tinkerSchema } from '../../config/index.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';
import { rowsOf } from '../plan.js';

export const tinker = defineCommand({
  name: 'tinker',
  summary: "Train with LoRA by Tinker's API: SFT, or RL on rewards graded here",
  schema: tinkerSchema,
  positional: { key: 'method', isList: false },
  examples: [
    'lorikeet tinker sft model=Qwen/Qwen3-8B dataset=rows.jsonl output_dir=outputs/tinker-sft',
    'lorikeet tinker grpo configs/olympiad/tinker_train.yaml',
    'lorikeet tinker configs/olympiad/tinker_train.yaml max_steps=10 resume=auto',
  ],
  plan: (config) => [
    `${config.method} of ${config.model} at ${config.base_url} with the key in ${config.api_key_env}`,
    `rows: ${rowsOf(config.dataset)}, tokenised here, ${config.batch_size} a step`,
    `LoRA of rank ${config.lora_rank}; a state to resume from every ${counted(config.save_steps, 'step')}`,
    `writes ${runDir(config)}`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/tinker.js')).runTinker(config, context),
});
