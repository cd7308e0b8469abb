/** `lorikeet dpo`: preference optimization on pairs (question, chosen, rejected) or labelled answers. */
import { z } from 'zod';
import { checkRows } from './dataset.js';
import {
  answerLoss,
  checkLosses,
  compares,
  type LossTypes,
  lossKeys,
  lossTypes,
} from './dpo-losses.js';
import { off, positive, whole } from './fields.js';
import { stageKey } from './groups.js';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';
import { referenceKeys } from './reference.js';
import { checkTrainer, trainerKeys } from './training.js';

/** Whether it trains on single answers, not on pairs. */
export const takesAnswers = (config: LossTypes): boolean => answerLoss(config) !== undefined;

interface BatchKeys extends LossTypes {
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
}

interface ReferenceKeys extends LossTypes {
  readonly sync_ref_model: boolean;
  readonly precompute_ref_log_probs: boolean;
}

/** The KL baseline of KTO needs answers to other prompts, AOT the margins of all pairs at once. */
function checkStep(config: BatchKeys, context: z.RefinementCtx): void {
  const { per_device_train_batch_size: size, gradient_accumulation_steps: times } = config;
  const issue = issueAt(context);
  const sorts = lossTypes(config).find((type) => type.startsWith('aot'));
  if (answerLoss(config) === 'kto' && size * times === 1) {
    const message = 'kto compares the answers of a step, and there is one. Use 2 or more';
    issue('per_device_train_batch_size', message);
  }
  if (sorts !== undefined && times > 1) {
    const message = `${sorts} sorts the pairs of a step, which are computed together. Use 1, and a larger per_device_train_batch_size`;
    issue('gradient_accumulation_steps', message);
  }
  if (sorts !== undefined && size === 1) {
    issue('per_device_train_batch_size', `${sorts} sorts the pairs of a step. Use 2 or more`);
  }
}

/** Keys of the reference that would do nothing. */
function checkReference(config: ReferenceKeys, context: z.RefinementCtx): void {
  const issue = issueAt(context);
  for (const key of ['sync_ref_model', 'precompute_ref_log_probs'] as const) {
    if (!config[key] || compares(config)) continue;
    issue(key, `${lossTypes(config).join(', ')} needs no reference. Leave it out`);
  }
  const single = answerLoss(config);
  if (single !== undefined && config.precompute_ref_log_probs) {
    issue('precompute_ref_log_probs', `${single} scores it in each step. Leave it out`);
  }
  if (config.sync_ref_model && config.precompute_ref_log_probs) {
    const message = 'the reference moves, so it cannot be scored before. Keep one of them';
    issue('precompute_ref_log_probs', message);
  }
}

const DEFAULTS = { learningRate: 1e-6, loraDropout: 0 };

export const dpoSchema = z
  .strictObject({
    ...trainerKeys(DEFAULTS),
    stage: stageKey('dpo'),
    max_length: whole(2).default(1024).describe('Longest sequence, tokens; longer ones are cut'),
    beta: positive().default(0.1).describe('Strength of the pull to the reference policy'),
    ...lossKeys,
    ...referenceKeys,
    precompute_ref_log_probs: off('Score the reference once before training'),
  })
  .superRefine(inTurn(checkTrainer(DEFAULTS), checkLosses, checkStep, checkReference, checkRows));

export type DpoConfig = z.output<typeof dpoSchema>;
