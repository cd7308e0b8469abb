/** Forms of the DPO loss, their keys, and which form reads which. Names and defaults of TRL. */
import { z } from 'zod';
import { counted } from '../../util/counted.js';
import { needsReference } from '../../util/reference-free.js';
import { nonNegative, orNull, positive, within } from './fields.js';
import { issueAt } from './issue-at.js';

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
  'aot',
  'aot_unpaired',
  'sft',
  'simpo',
  'cpo',
  'orpo',
] as const;

/** Losses on single answers; one of them stands alone. */
const ANSWER_LOSSES = ['kto', 'apo_zero_unpaired'] as const;

type Loss = (typeof PAIR_LOSSES)[number] | (typeof ANSWER_LOSSES)[number];

const lossType = z.enum([...PAIR_LOSSES, ...ANSWER_LOSSES]);

export const lossKeys = {
  loss_type: z
    .union([lossType, z.array(lossType).min(1)])
    .default('sigmoid')
    .describe('Form of the loss, or a list of forms that are summed'),
  loss_weights: orNull(
    z.array(z.number()),
    'Weights of the losses in loss_type; null weighs each by 1',
  ),
  label_smoothing: within(0, 0.5).default(0).describe('Assumed share of flipped labels'),
  ld_alpha: orNull(
    within(0, 1),
    'Weight of tokens past the shorter answer of a pair (LD-DPO); null weighs all by 1',
  ),
  f_divergence_type: z
    .enum(['reverse_kl', 'forward_kl', 'js_divergence', 'alpha_divergence'])
    .default('reverse_kl')
    .describe('Divergence from the reference that the loss holds down (f-DPO)'),
  f_alpha_divergence_coef: z.number().default(0.5).describe('α of alpha_divergence'),
  discopop_tau: positive().default(0.05).describe('Temperature at which discopop mixes its halves'),
  simpo_gamma: nonNegative().default(0.5).describe('Margin that simpo asks for'),
  cpo_alpha: nonNegative().default(1).describe('Weight of the likelihood of chosen in cpo'),
  desirable_weight: nonNegative().default(1).describe('Weight of good answers in kto'),
  undesirable_weight: nonNegative().default(1).describe('Weight of bad answers in kto'),
};

const keys = z.object(lossKeys);
type LossKeys = z.output<typeof keys>;
export type LossTypes = Pick<LossKeys, 'loss_type'>;

const PLAIN = keys.parse({});

interface Readers {
  readonly losses: readonly Loss[];
  /** It changes what pairs are compared by, so that all losses must read it; `sft`, without a comparison, may stand beside. */
  readonly isShared?: boolean;
}

/** Which losses read a key. */
const READ: Readonly<Partial<Record<keyof LossKeys, Readers>>> = {
  loss_weights: { losses: PAIR_LOSSES },
  label_smoothing: {
    losses: ['sigmoid', 'robust', 'exo_pair', 'aot', 'aot_unpaired', 'simpo', 'cpo'],
  },
  ld_alpha: {
    losses: PAIR_LOSSES.filter((type) => type === 'sft' || needsReference([type])),
    isShared: true,
  },
  f_divergence_type: {
    losses: ['sigmoid', 'sigmoid_norm', 'hinge', 'ipo', 'robust', 'exo_pair', 'discopop', 'sft'],
    isShared: true,
  },
  discopop_tau: { losses: ['discopop'] },
  simpo_gamma: { losses: ['simpo'] },
  cpo_alpha: { losses: ['cpo'] },
  desirable_weight: { losses: ANSWER_LOSSES },
  undesirable_weight: { losses: ANSWER_LOSSES },
};

export const lossTypes = ({ loss_type }: LossTypes): Loss[] => [loss_type].flat();

const isAnswerLoss = (type: Loss): boolean => ANSWER_LOSSES.some((name) => name === type);

/** The loss on single answers, where there is one. */
export const answerLoss = (config: LossTypes): Loss | undefined =>
  lossTypes(config).find(isAnswerLoss);

/** Whether any of the losses compares with a reference policy. */
export const compares = (config: LossTypes): boolean => needsReference(lossTypes(config));

/** Used with `superRefine`. */
export function checkLosses(config: LossKeys, context: z.RefinementCtx): void {
  const types = lossTypes(config);
  const issue = issueAt(context);
  const single = answerLoss(config);
  if (single !== undefined && types.length > 1) {
    issue('loss_type', `${single} is a loss of single answers. Use it alone`);
  }
  if (new Set(types).size < types.length) issue('loss_type', 'a loss is listed twice');
  checkRead(config, context);
  const { loss_weights: weights } = config;
  if (weights !== null && single === undefined && weights.length !== types.length) {
    const message = `${counted(weights.length, 'weight')} for ${counted(types.length, 'loss')}. Give one for each`;
    issue('loss_weights', message);
  }
  if (types.includes('robust') && config.label_smoothing === 0.5) {
    issue('label_smoothing', '0.5 leaves robust nothing to learn from. Use less');
  }
  if (types.includes('exo_pair') && config.label_smoothing === 0) {
    issue('label_smoothing', '0 makes exo_pair infinite. Set it, e.g. to 1e-3');
  }
}

/** A key that would do nothing is refused. */
function checkRead(config: LossKeys, context: z.RefinementCtx): void {
  const types = lossTypes(config);
  const issue = issueAt(context);
  for (const [name, { losses, isShared = false }] of Object.entries(READ)) {
    const key = name as keyof typeof READ;
    const idle = types.filter((type) => !losses.includes(type));
    const isRead = isShared ? idle.length === 0 : idle.length < types.length;
    // TRL's SimPO is its CPO without that term.
    const isSimpo = key === 'cpo_alpha' && config[key] === 0 && types.includes('simpo');
    if (isRead || isSimpo || config[key] === PLAIN[key]) continue;
    const remedy =
      key === 'cpo_alpha' && idle.includes('simpo')
        ? 'Use loss_type=[simpo,sft] loss_weights=[1,<cpo_alpha>]'
        : 'Leave it out';
    issue(key, `${idle.join(', ')} does not read it, ${losses.join(', ')} does. ${remedy}`);
  }
  const { f_divergence_type: divergence, f_alpha_divergence_coef: alpha } = config;
  if (alpha !== PLAIN.f_alpha_divergence_coef && divergence !== 'alpha_divergence') {
    const message = `${divergence} does not read it. Use f_divergence_type=alpha_divergence, or leave it out`;
    issue('f_alpha_divergence_coef', message);
  }
}
