/** Keys of the reference policy, shared by DPO and GRPO; names of TRL where it has them. */
import { z } from 'zod';
import { off, whole, within } from './fields.js';

export const referenceKeys = {
  reference_policy: z
    .enum(['auto', 'base'])
    .default('auto')
    .describe('auto: the adapter as training began, or the base where it is new; base: no adapter'),
  sync_ref_model: off('Move the reference towards the policy as it learns (TR-DPO)'),
  ref_model_mixup_alpha: within(0, 1)
    .default(0.6)
    .describe('Share of the policy in the reference at each sync'),
  ref_model_sync_steps: whole(1).default(512).describe('Optimizer steps between syncs'),
};
