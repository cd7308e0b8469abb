/** `lorikeet dpo`: direct preference optimization on pairs (question, chosen, rejected). */
import { z } from 'zod';
import { requireRows } from './dataset.js';
import { positive, whole, within } from './fields.js';
import { stageKey } from './groups.js';
import { checkTrainer, trainerKeys } from './training.js';

export const dpoSchema = z
  .strictObject({
    ...trainerKeys({ learningRate: 1e-6, loraDropout: 0 }),
    stage: stageKey('dpo'),
    max_length: whole(2).default(1024).describe('Longest sequence, tokens; longer ones are cut'),
    beta: positive().default(0.1).describe('Strength of the pull to the reference policy'),
    loss_type: z.enum(['sigmoid', 'hinge', 'ipo']).default('sigmoid').describe('Form of the loss'),
    label_smoothing: within(0, 0.5).default(0).describe('Assumed share of flipped labels'),
    precompute_ref_log_probs: z
      .boolean()
      .default(false)
      .describe('Score the reference once before training'),
  })
  .superRefine((config, context) => {
    checkTrainer(config, context);
    requireRows(config.dataset, context);
  });

export type DpoConfig = z.output<typeof dpoSchema>;
