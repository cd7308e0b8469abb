/** Config → the optimizer and the schedule of a training run. */
import type { Policy } from '../../model/index.js';
import { adamW, lion, type Optimizer } from '../../tensor/index.js';
import { type Schedule, type ScheduleShape, wholeWarmup } from '../../train/index.js';
import { InputError } from '../../util/errors.js';
import { decayMask, loraPlusRates } from './parameter-groups.js';
import type { TrainerConfig } from './trainer-config.js';

const OPTIMIZERS = {
  adamw_torch: { kind: 'adamw', bits: 32 },
  adamw_8bit: { kind: 'adamw', bits: 8 },
  lion_32bit: { kind: 'lion', bits: 32 },
  lion_8bit: { kind: 'lion', bits: 8 },
} as const satisfies Record<TrainerConfig['optim'], { kind: 'adamw' | 'lion'; bits: 32 | 8 }>;

const MOMENTS = { adamw: ['m', 'v'], lion: ['m'] } as const;

/** @throws InputError where a checkpoint is of another kind of optimizer, by the moments that it keeps */
export function checkMoments(
  { optim }: Pick<TrainerConfig, 'optim'>,
  found: readonly string[],
): void {
  const isOf = (kind: keyof typeof MOMENTS) => MOMENTS[kind].join() === [...found].sort().join();
  if (isOf(OPTIMIZERS[optim].kind)) return;
  const names = Object.entries(OPTIMIZERS).flatMap(([name, { kind }]) =>
    isOf(kind) ? [name] : [],
  );
  throw new InputError({
    where: 'optim',
    problem: `${optim}, but this run began with ${names.join(' or ') || 'another optimizer'}`,
    remedy: 'Give that, or start anew with overwrite=true',
  });
}

export function makeOptimizer(config: TrainerConfig, policy: Policy): Optimizer {
  const { kind, bits } = OPTIMIZERS[config.optim];
  const options = {
    bits,
    beta1: config.adam_beta1,
    beta2: config.adam_beta2,
    weightDecay: config.weight_decay,
    decayMask: config.weight_decay === 0 ? null : decayMask(policy),
    rates: policy.lora === null ? null : loraPlusRates(policy, config.lora.loraplus_lr_ratio),
  };
  const { size } = policy.parameters;
  return kind === 'lion'
    ? lion(size, options)
    : adamW(size, { ...options, epsilon: config.adam_epsilon });
}

/** Keys that are set; the schedule has defaults for the others. */
function shapeOf({ learning_rate: rate, lr_scheduler_kwargs: keys }: TrainerConfig): ScheduleShape {
  const shape = {
    numCycles: keys.num_cycles,
    lrEnd: keys.lr_end,
    power: keys.power,
    minLrRate: keys.min_lr === null ? keys.min_lr_rate : keys.min_lr / rate,
    warmupLrRate: keys.warmup_lr_rate,
    timescale: keys.timescale,
    numDecaySteps: keys.num_decay_steps,
    warmupType: keys.warmup_type,
    decayType: keys.decay_type,
    minLrRatio: keys.min_lr_ratio,
  };
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== null));
}

export function scheduleOf(config: TrainerConfig, totalSteps: number): Schedule {
  return {
    type: config.lr_scheduler_type,
    learningRate: config.learning_rate,
    warmupSteps:
      wholeWarmup(config.warmup_steps, totalSteps) || Math.ceil(config.warmup_ratio * totalSteps),
    totalSteps,
    shape: shapeOf(config),
  };
}
