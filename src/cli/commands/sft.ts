/** `lorikeet sft` */
import { sftSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';
import { sftPlan } from '../plan.js';

export const sft = defineCommand({
  name: 'sft',
  summary: 'Train by supervised fine-tuning',
  schema: sftSchema,
  examples: [
    'lorikeet sft configs/gsm8k/prep_sft.yaml',
    'lorikeet sft model=outputs/model dataset=rows.jsonl output_dir=outputs/sft max_steps=100',
    'lorikeet sft configs/gsm8k/full_sft.yaml --base-model outputs/prep_sft --stage full',
  ],
  plan: sftPlan,
  run: async (config, context) => (await import('../../recipes/sft.js')).runSft(config, context),
  preview: async (config, request) =>
    (await import('../../recipes/sft.js')).previewSft(config, request),
});
