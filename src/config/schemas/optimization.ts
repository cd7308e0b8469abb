/** Keys of the optimizer and the learning rate, under the names of transformers' TrainingArguments. */
import { z } from 'zod';
import {
  maxSteps,
  nonNegative,
  optionalWhole,
  orNull,
  positive,
  warmupSteps,
  whole,
  within,
} from './fields.js';
import { issueAt } from './issue-at.js';

const SCHEDULES = [
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
  'constant',
  'constant_with_warmup',
  'inverse_sqrt',
  'reduce_lr_on_plateau',
  'cosine_with_min_lr',
  'cosine_warmup_with_min_lr',
  'warmup_stable_decay',
] as const;

const GREEDY = 'rates do not follow the loss of steps. Use reduce_lr_on_plateau with eval_steps';

const ramp = z.enum(['linear', 'cosine', '1-sqrt']);

/** Keyword arguments of transformers' schedules; null takes the schedule's own default. */
const scheduleKeys = z
  .strictObject({
    num_cycles: orNull(positive(), 'Waves of a cosine (½), or starts of cosine_with_restarts (1)'),
    lr_end: orNull(positive(), 'Where polynomial ends (1e-7)'),
    power: orNull(positive(), 'Power of polynomial (1)'),
    min_lr: orNull(
      nonNegative(),
      'Lowest rate of the schedules with min_lr and of reduce_lr_on_plateau',
    ),
    min_lr_rate: orNull(
      within(0, 1),
      'Lowest rate of the schedules with min_lr, share of learning_rate',
    ),
    warmup_lr_rate: orNull(
      within(0, 1),
      'Where cosine_warmup_with_min_lr begins, as a share of learning_rate',
    ),
    timescale: optionalWhole(1, 'Steps in which inverse_sqrt falls to 1/√2; null is the warm-up'),
    num_decay_steps: optionalWhole(1, 'Steps of the fall that ends warmup_stable_decay'),
    warmup_type: orNull(ramp, 'Rise of warmup_stable_decay (linear)'),
    decay_type: orNull(ramp, 'Fall of warmup_stable_decay (cosine)'),
    min_lr_ratio: orNull(within(0, 1), 'Where warmup_stable_decay ends, share of the peak (0)'),
    factor: within(0, 1).default(0.1).describe('reduce_lr_on_plateau: multiplies the rate'),
    patience: whole(0)
      .default(10)
      .describe('reduce_lr_on_plateau: evaluations borne without a better value'),
    threshold: nonNegative()
      .default(1e-4)
      .describe('reduce_lr_on_plateau: relative change that counts as better'),
    cooldown: whole(0)
      .default(0)
      .describe('reduce_lr_on_plateau: evaluations after a reduction that do not count'),
    eps: nonNegative()
      .default(1e-8)
      .describe('reduce_lr_on_plateau: a reduction by no more than this is none'),
  })
  .prefault({});

type Shape = z.output<typeof scheduleKeys>;

const OF_COSINES = ['num_cycles', 'min_lr', 'min_lr_rate'] as const;

/** What each schedule reads of them. */
const READ: Readonly<Record<(typeof SCHEDULES)[number], readonly (keyof Shape)[]>> = {
  linear: [],
  cosine: ['num_cycles'],
  cosine_with_restarts: ['num_cycles'],
  polynomial: ['lr_end', 'power'],
  constant: [],
  constant_with_warmup: [],
  inverse_sqrt: ['timescale'],
  reduce_lr_on_plateau: ['factor', 'patience', 'threshold', 'cooldown', 'min_lr', 'eps'],
  cosine_with_min_lr: OF_COSINES,
  cosine_warmup_with_min_lr: [...OF_COSINES, 'warmup_lr_rate'],
  warmup_stable_decay: [
    ...(['num_decay_steps', 'warmup_type', 'decay_type'] as const),
    ...(['min_lr_ratio', 'num_cycles'] as const),
  ],
};

/** Names and defaults of transformers' TrainingArguments. */
export const optimizationKeys = (learningRate: number) => ({
  optim: z
    .enum(['adamw_torch', 'adamw_8bit', 'lion_32bit', 'lion_8bit'])
    .meta({ same: { adamw_torch_fused: 'adamw_torch' } })
    .default('adamw_torch')
    .describe('Optimizer; the 8-bit ones keep their moments in a quarter of the memory'),
  learning_rate: positive().default(learningRate).describe('Peak learning rate'),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .meta({ refused: { greedy: GREEDY } })
    .default('linear')
    .describe('Learning rate after the warm-up'),
  lr_scheduler_kwargs: scheduleKeys.describe('What shapes the schedule further'),
  warmup_steps: warmupSteps()
    .default(0)
    .describe('Optimizer steps of linear warm-up; below 1 their share of all steps'),
  warmup_ratio: within(0, 1).default(0).describe('Warm-up as a share of all steps'),
  per_device_train_batch_size: whole(1).default(8).describe('Sequences in one micro-batch'),
  gradient_accumulation_steps: whole(1).default(1).describe('Micro-batches in one optimizer step'),
  num_train_epochs: positive().default(3).describe('Passes over the data'),
  max_steps: maxSteps('Optimizer steps; overrides num_train_epochs'),
  weight_decay: nonNegative().default(0).describe('Decoupled weight decay'),
  adam_beta1: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('Decay of the first moment; in Lion the share of the moment in an update'),
  adam_beta2: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe('Decay of the second moment; in Lion that of its only one'),
  adam_epsilon: positive().default(1e-8).describe('Added to the root of the second moment'),
  max_grad_norm: nonNegative()
    .meta({ same: { null: 0 } })
    .default(1)
    .describe('Clip the gradient to this norm; 0 is off'),
  router_aux_loss_coef: nonNegative()
    .nullable()
    .default(null)
    .describe("Weight of the loss that keeps experts evenly used; null: the model's own, 0: none"),
});

export interface ScheduleKeys {
  readonly lr_scheduler_type: (typeof SCHEDULES)[number];
  readonly learning_rate: number;
  readonly warmup_steps: number;
  readonly warmup_ratio: number;
  readonly eval_steps: number | null;
  readonly lr_scheduler_kwargs: Shape;
}

/** Checks between the keys of the schedule; used with `superRefine`. */
export function checkSchedule(config: ScheduleKeys, context: z.RefinementCtx): void {
  const { lr_scheduler_type: type, learning_rate: rate, lr_scheduler_kwargs: shape } = config;
  const issue = issueAt(context);
  const inShape = (key: string) => ['lr_scheduler_kwargs', key];
  if (config.warmup_steps > 0 && config.warmup_ratio > 0) {
    issue(
      'warmup_ratio',
      `warmup_ratio ${config.warmup_ratio} and warmup_steps ${config.warmup_steps} are both set. Keep one`,
    );
  }
  const plain = scheduleKeys.parse({});
  for (const key of Object.keys(plain) as (keyof Shape)[]) {
    if (shape[key] === plain[key] || READ[type].includes(key)) continue;
    const readers = SCHEDULES.filter((name) => READ[name].includes(key));
    issue(inShape(key), `${type} does not read it, ${readers.join(', ')} does. Leave it out`);
  }
  if (type.endsWith('with_min_lr') && (shape.min_lr === null) === (shape.min_lr_rate === null)) {
    issue(inShape('min_lr'), `${type} needs min_lr or min_lr_rate. Set one of them`);
  }
  if (type === 'warmup_stable_decay' && shape.num_decay_steps === null) {
    issue(inShape('num_decay_steps'), 'warmup_stable_decay needs the steps of its fall. Set it');
  }
  if (type === 'polynomial' && (shape.lr_end ?? 1e-7) >= rate) {
    issue(inShape('lr_end'), `${shape.lr_end ?? 1e-7} is not below learning_rate ${rate}`);
  }
  if (type === 'reduce_lr_on_plateau' && config.eval_steps === null) {
    issue('eval_steps', 'reduce_lr_on_plateau follows evaluations. Set eval_steps');
  }
}
