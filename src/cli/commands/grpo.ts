/** `lorikeet grpo` */
import { grpoSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';
import { grpoPlan } from '../plan.js';

export const grpo = defineCommand({
  name: 'grpo',
  summary: 'Train by group-relative policy optimization (rollouts and rewards)',
  schema: grpoSchema,
  examples: [
    'lorikeet grpo configs/gsm8k/grpo.yaml base_model=outputs/prep_sft',
    "lorikeet grpo model=outputs/prep_sft dataset=gsm8k rewards='[{name: correctness}]'",
  ],
  plan: grpoPlan,
  run: async (config, context) => (await import('../../recipes/grpo.js')).runGrpo(config, context),
  preview: async (config, request) =>
    (await import('../../recipes/grpo.js')).previewGrpo(config, request),
});
