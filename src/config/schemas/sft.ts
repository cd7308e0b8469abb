/** `lorikeet sft`: supervised fine-tuning. */
import { z } from 'zod';
import { requireRows } from './dataset.js';
import { optionalInput, whole } from './fields.js';
import { stageKey } from './groups.js';
import { checkTrainer, trainerKeys } from './training.js';

export const sftSchema = z
  .strictObject({
    ...trainerKeys({ learningRate: 2e-5, loraDropout: 0.05 }),
    stage: stageKey('full'),
    traces_file: optionalInput(
      'JSONL of {question, answer} traces, whose rows dataset then picks from',
    ),
    mask_tool_output: z
      .boolean()
      .default(false)
      .describe('Leave ```output blocks (what a tool printed) out of the loss'),
    max_length: whole(2).default(1024).describe('Longest sequence, tokens; longer ones are cut'),
  })
  .superRefine((config, context) => {
    checkTrainer(config, context);
    if (config.traces_file === null) requireRows(config.dataset, context);
  });

export type SftConfig = z.output<typeof sftSchema>;
