/** Fields of experts, as the families spell them that have them in place of each MLP. */
import type { ExpertsSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';

/** transformers 5 has another name for the first. */
const COUNTS = ['num_experts', 'num_local_experts'] as const;

interface ExpertDefaults {
  readonly count: number;
  readonly perToken: number;
  readonly auxLossCoef: number;
  /** Absent: `norm_topk_prob` says it. */
  readonly normalized?: boolean;
  readonly stacked?: boolean;
  readonly inTurns?: boolean;
  readonly biased?: boolean;
  /** Default: `mlp.experts`. */
  readonly module?: string;
}

export function expertsFrom(fields: ConfigFields, defaults: ExpertDefaults): ExpertsSpec {
  fields.oneOf('hidden_act', ['silu', 'swish']);
  // Whether a loss outside of training has what keeps experts evenly used.
  fields.boolean('output_router_logits', false);
  const said = COUNTS.filter((key) => fields.raw(key) !== undefined);
  const counts = said.map((key) => fields.positiveInteger(key));
  const [count = defaults.count] = counts;
  const other = counts.findIndex((each) => each !== count);
  if (other >= 0) throw fields.wrong(said[other]!, counts[other], `${count}, as ${said[0]} says`);
  const perToken = fields.positiveInteger('num_experts_per_tok', defaults.perToken);
  if (perToken > count) {
    throw fields.wrong('num_experts_per_tok', perToken, `at most the ${count} experts`);
  }
  const { normalized = fields.boolean('norm_topk_prob', false) } = defaults;
  const { stacked = false, inTurns = false, biased = false, module = 'mlp.experts' } = defaults;
  const auxLossCoef = fields.nonNegative('router_aux_loss_coef', defaults.auxLossCoef);
  return { count, perToken, normalized, auxLossCoef, module, stacked, inTurns, biased };
}
