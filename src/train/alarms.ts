/**
 * Alarms: metrics outside healthy ranges, named, with advice. The ranges for GRPO are those of axolotl's
 * notes on training stability, but for the upper bounds of `entropy` (there 0.5) and `grad_norm` (there 1,
 * and unstable from 10): an untrained small model is above them without being ill. Those of SFT and DPO are
 * Lorikeet's own. A range must be left for several rows on end, and it warns once until the metric has come
 * back for as many, so that a healthy run stays silent and an ill one does not repeat itself.
 */

export type TrainerName = 'sft' | 'dpo' | 'grpo';

/** Null: no bound on that side. */
export type Range = readonly [low: number | null, high: number | null];

interface AlarmRule {
  readonly metric: string;
  readonly side: 'low' | 'high';
  readonly advice: string;
  /** Rows before the rule applies. */
  readonly after?: number;
}

/** Rules by the alarm's name. Bounds come from `HEALTHY_RANGES`, or the config. */
export const ALARMS = {
  reward_low: {
    metric: 'reward',
    side: 'low',
    after: 20,
    advice:
      'The model rarely succeeds: take easier rows, train the format by sft first, or add a reward for it',
  },
  zero_std_high: {
    metric: 'frac_reward_zero_std',
    side: 'high',
    advice:
      'Most groups teach nothing: take rows of medium difficulty, raise num_generations or set dynamic_sampling',
  },
  entropy_low: {
    metric: 'entropy',
    side: 'low',
    advice:
      'The policy has nearly stopped exploring: lower learning_rate, raise epsilon_high or entropy_coef',
  },
  entropy_high: {
    metric: 'entropy',
    side: 'high',
    advice: 'Completions drift towards noise: lower learning_rate or temperature, or set beta',
  },
  kl_high: {
    metric: 'kl',
    side: 'high',
    advice: 'The policy is far from its reference: lower learning_rate or raise beta',
  },
  logp_difference_high: {
    metric: 'sampling/sampling_logp_difference/mean',
    side: 'high',
    advice:
      'Sampler and trainer disagree: use a finer rollout precision and keep rollout_correction on',
  },
  importance_ratio_low: {
    metric: 'sampling/importance_sampling_ratio/min',
    side: 'low',
    advice:
      'Rollouts are far off-policy or masked: lower num_iterations, steps_per_generation or max_staleness',
  },
  clip_region_high: {
    metric: 'clip_ratio/region_mean',
    side: 'high',
    advice: 'Many ratios are clipped: lower learning_rate or num_iterations',
  },
  truncation_high: {
    metric: 'completions/clipped_ratio',
    side: 'high',
    advice:
      'Many completions hit the limit: raise max_completion_length, or set mask_truncated_completions',
  },
  grad_norm_low: {
    metric: 'grad_norm',
    side: 'low',
    advice: 'Hardly anything is learnt: raise learning_rate, or check rewards and loss masks',
  },
  grad_norm_high: {
    metric: 'grad_norm',
    side: 'high',
    advice: 'Steps are unstable: lower learning_rate, raise the batch, or lower max_grad_norm',
  },
} as const satisfies Record<string, AlarmRule>;

export type AlarmName = keyof typeof ALARMS;

/** Healthy ranges by trainer and metric. */
export const HEALTHY_RANGES: Readonly<Record<TrainerName, Readonly<Record<string, Range>>>> = {
  sft: { grad_norm: [1e-5, 100] },
  dpo: { grad_norm: [1e-6, 100] },
  grpo: {
    reward: [0.15, null],
    frac_reward_zero_std: [null, 0.8],
    entropy: [0.05, 2],
    kl: [null, 0.5],
    'sampling/sampling_logp_difference/mean': [null, 0.1],
    'sampling/importance_sampling_ratio/min': [0.1, null],
    'clip_ratio/region_mean': [null, 0.1],
    'completions/clipped_ratio': [null, 0.3],
    grad_norm: [1e-3, 10],
  },
};

export interface Alarm {
  readonly name: AlarmName;
  readonly metric: string;
  readonly value: number;
  readonly bound: number;
  readonly advice: string;
}

/** Rows on end outside the range before an alarm sounds, and within it before it may sound again. */
const PATIENCE = 5;

export interface AlarmOptions {
  readonly trainer: TrainerName;
  /** Ranges in place of the healthy ones, by metric; null switches a metric's alarms off. */
  readonly ranges?: Readonly<Record<string, Range | null>>;
}

export class Alarms {
  private readonly ranges: Readonly<Record<string, Range | null>>;
  /** Whether an alarm is on, and the rows on end that speak against it. */
  private readonly states = new Map<
    AlarmName,
    { readonly isOn: boolean; readonly against: number }
  >();
  private rows = 0;

  constructor({ trainer, ranges = {} }: AlarmOptions) {
    this.ranges = { ...HEALTHY_RANGES[trainer], ...ranges };
  }

  /** The alarms that begin with this row. */
  check(row: Readonly<Record<string, unknown>>): Alarm[] {
    this.rows += 1;
    return (Object.keys(ALARMS) as AlarmName[]).flatMap((name) => this.checkOne(name, row) ?? []);
  }

  private checkOne(name: AlarmName, row: Readonly<Record<string, unknown>>): Alarm | null {
    const rule: AlarmRule = ALARMS[name];
    const value = row[rule.metric];
    const bound = this.ranges[rule.metric]?.[rule.side === 'low' ? 0 : 1] ?? null;
    if (bound === null || typeof value !== 'number' || this.rows <= (rule.after ?? 0)) return null;
    const isOutside = rule.side === 'low' ? value < bound : value > bound;
    const { isOn, against: before } = this.states.get(name) ?? { isOn: false, against: 0 };
    const against = isOutside === isOn ? 0 : before + 1;
    const turns = against === PATIENCE;
    this.states.set(name, turns ? { isOn: isOutside, against: 0 } : { isOn, against });
    return turns && isOutside
      ? { name, metric: rule.metric, value, bound, advice: rule.advice }
      : null;
  }
}

/** One line: `kl_high: kl is 0.62, healthy is at most 0.5. <advice>`. */
export function alarmLine({ name, metric, value, bound, advice }: Alarm): string {
  const side = ALARMS[name].side === 'low' ? 'at least' : 'at most';
  return `${name}: ${metric} is ${value.toPrecision(3)}, healthy is ${side} ${bound}. ${advice}`;
}
