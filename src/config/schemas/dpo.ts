/** `lorikeet dpo`: preference optimization on pairs (question, chosen, rejected) or labelled answers. */

import { z } from 'zod';
import { checkRows } from './dataset.js';
import { nonNegative, positive, whole, within } from './fields.js';
import { stageKey } from './groups.js';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';
import { referenceKeys } from './reference.js';
import { checkTrainer, trainerKeys } from './training.js';

/** Losses on pairs; several may be summed. */
const PAIR_LOSSES = [
  'sigmoid',
  'sigmoid_norm',
  'hinge',
  'ipo',
  'robust',
  'exo_pair',
  'nca_pair',
  'bco_pair',
  'sppo_hard',
  'apo_zero',
  'apo_down',
  'discopop',
  'sft',
  'simpo',
  'cpo',
  'orpo',
] as const;

/** Losses on single answers; one of them stands alone. */
const ANSWER_LOSSES = ['kto', 'apo_zero_unpaired'] as const;

/** Whether a loss is on single answers, not on pairs. */
const isAnswerLoss = (type: string): boolean => (ANSWER_LOSSES as readonly string[]).includes(type);

/** Whether it trains on single answers, not on pairs. */
export const takesAnswers = ({ loss_type }: Pick<DpoConfig, 'loss_type'>): boolean =>
  [loss_type].flat().some(isAnswerLoss);

const lossType = z.enum([...PAIR_LOSSES, ...ANSWER_LOSSES]);

/** Losses that need no reference policy. */
const REFERENCE_FREE: readonly string[] = ['sft', 'simpo', 'cpo', 'orpo'];

/** Losses that compare the answers of a pair with a reference policy; `sft` may stand beside them. */
const takesLdAlpha = (type: string): boolean =>
  !isAnswerLoss(type) && (type === 'sft' || !REFERENCE_FREE.includes(type));

/** Losses that read `f_divergence_type`; as in TRL `sft` may stand beside them. */
const DIVERGING: readonly string[] = [
  ...['sigmoid', 'sigmoid_norm', 'hinge', 'ipo', 'robust', 'exo_pair', 'discopop', 'sft'],
];

/** Losses that read `label_smoothing`. */
const SMOOTHED: readonly string[] = ['sigmoid', 'robust', 'exo_pair', 'simpo', 'cpo'];

interface LossKeys {
  readonly sync_ref_model: boolean;
  readonly precompute_ref_log_probs: boolean;
  readonly ld_alpha: number | null;
  readonly loss_type: string | readonly string[];
  readonly loss_weights: readonly number[] | null;
  readonly label_smoothing: number;
  readonly f_divergence_type: string;
}

/** The KL baseline of KTO needs answers to other prompts. */
function checkAnswersOfStep(
  config: {
    readonly loss_type: string | readonly string[];
    readonly per_device_train_batch_size: number;
    readonly gradient_accumulation_steps: number;
  },
  context: z.RefinementCtx,
): void {
  const { per_device_train_batch_size: size, gradient_accumulation_steps: times } = config;
  if (![config.loss_type].flat().includes('kto') || size * times > 1) return;
  const message = 'kto compares the answers of a step, and there is one. Use 2 or more';
  context.addIssue({ code: 'custom', path: ['per_device_train_batch_size'], message });
}

function checkLosses(config: LossKeys, context: z.RefinementCtx): void {
  const types = [config.loss_type].flat();
  const issue = issueAt(context);
  const single = types.find(isAnswerLoss);
  if (single !== undefined && types.length > 1) {
    issue('loss_type', `${single} is a loss of single answers. Use it alone`);
  }
  const plain = types.find((type) => !takesLdAlpha(type));
  if (config.ld_alpha !== null && plain !== undefined) {
    issue('ld_alpha', `${plain} does not compare pairs with a reference policy. Leave it out`);
  }
  const other = types.find((type) => !DIVERGING.includes(type));
  if (config.f_divergence_type !== 'reverse_kl' && other !== undefined) {
    const known = DIVERGING.join(', ');
    issue('f_divergence_type', `${other} has reverse_kl only. Use it, or losses of ${known}`);
  }
  if (new Set(types).size < types.length) issue('loss_type', 'a loss is listed twice');
  if (config.loss_weights !== null && config.loss_weights.length !== types.length) {
    issue(
      'loss_weights',
      `${config.loss_weights.length} weights for ${types.length} losses. Give one for each`,
    );
  }
  if (config.label_smoothing > 0 && !types.some((type) => SMOOTHED.includes(type))) {
    issue('label_smoothing', `${types.join(', ')} has none. Leave it out`);
  }
  if (types.includes('robust') && config.label_smoothing === 0.5) {
    issue('label_smoothing', '0.5 leaves robust nothing to learn from. Use less');
  }
  if (types.includes('exo_pair') && config.label_smoothing === 0) {
    issue('label_smoothing', '0 makes exo_pair infinite. Set it, e.g. to 1e-3');
  }
}

/** Keys of the reference that would do nothing. */
function checkReference(config: LossKeys, context: z.RefinementCtx): void {
  const types = [config.loss_type].flat();
  const issue = issueAt(context);
  const compares = types.some((type) => !REFERENCE_FREE.includes(type));
  for (const key of ['sync_ref_model', 'precompute_ref_log_probs'] as const) {
    if (config[key] && !compares)
      issue(key, `${types.join(', ')} needs no reference. Leave it out`);
  }
  const single = types.find(isAnswerLoss);
  if (single !== undefined && config.precompute_ref_log_probs) {
    issue('precompute_ref_log_probs', `${single} scores it in each step. Leave it out`);
  }
  if (config.sync_ref_model && config.precompute_ref_log_probs) {
    const message = 'the reference moves, so it cannot be scored before. Keep one of them';
    issue('precompute_ref_log_probs', message);
  }
}

export const dpoSchema = z
  .strictObject({
    ...trainerKeys({ learningRate: 1e-6, loraDropout: 0 }),
    stage: stageKey('dpo'),
    max_length: whole(2).default(1024).describe('Longest sequence, tokens; longer ones are cut'),
    beta: positive().default(0.1).describe('Strength of the pull to the reference policy'),
    loss_type: z
      .union([lossType, z.array(lossType).min(1)])
      .default('sigmoid')
      .describe('Form of the loss, or a list of forms that are summed'),
    loss_weights: z
      .array(z.number())
      .nullable()
      .default(null)
      .describe('Weights of the losses in loss_type; null weighs each by 1'),
    label_smoothing: within(0, 0.5).default(0).describe('Assumed share of flipped labels'),
    ld_alpha: within(0, 1)
      .nullable()
      .default(null)
      .describe(
        'Weight of tokens past the shorter answer of a pair (LD-DPO); null weighs all by 1',
      ),
    f_divergence_type: z
      .enum(['reverse_kl', 'forward_kl', 'js_divergence', 'alpha_divergence'])
      .default('reverse_kl')
      .describe('Divergence from the reference that the loss holds down (f-DPO)'),
    f_alpha_divergence_coef: z.number().default(0.5).describe('α of alpha_divergence'),
    discopop_tau: positive()
      .default(0.05)
      .describe('Temperature at which discopop mixes its halves'),
    simpo_gamma: nonNegative().default(0.5).describe('Margin that simpo asks for'),
    cpo_alpha: nonNegative().default(1).describe('Weight of the likelihood of chosen in cpo'),
    desirable_weight: nonNegative().default(1).describe('Weight of good answers in kto'),
    undesirable_weight: nonNegative().default(1).describe('Weight of bad answers in kto'),
    ...referenceKeys,
    precompute_ref_log_probs: z
      .boolean()
      .default(false)
      .describe('Score the reference once before training'),
  })
  .superRefine(inTurn(checkTrainer, checkLosses, checkAnswersOfStep, checkReference, checkRows));

export type DpoConfig = z.output<typeof dpoSchema>;
