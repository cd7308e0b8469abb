/** Learning rate by step, under transformers' scheduler names and with its keyword arguments. */

export type SchedulerType =
  | 'linear'
  | 'cosine'
  | 'cosine_with_restarts'
  | 'polynomial'
  | 'constant'
  | 'constant_with_warmup'
  | 'inverse_sqrt'
  | 'reduce_lr_on_plateau'
  | 'cosine_with_min_lr'
  | 'cosine_warmup_with_min_lr'
  | 'warmup_stable_decay';

/** What shapes a schedule further; absent ones take transformers' defaults. */
export interface ScheduleShape {
  /** Waves of a cosine: ½ falls once; of `cosine_with_restarts`: the starts. */
  readonly numCycles?: number;
  /** Where `polynomial` ends, and its power. */
  readonly lrEnd?: number;
  readonly power?: number;
  /** Where the cosines with a minimum end, as a share of the peak. */
  readonly minLrRate?: number;
  /** Where `cosine_warmup_with_min_lr` begins, as a share of the peak. */
  readonly warmupLrRate?: number;
  /** Steps of `inverse_sqrt` in which the rate falls to 1/√2; default the warm-up, or 10,000. */
  readonly timescale?: number;
  /** `warmup_stable_decay`: steps of the fall at the end, its form, and where it ends (share of the peak). */
  readonly numDecaySteps?: number;
  readonly warmupType?: Ramp;
  readonly decayType?: Ramp;
  readonly minLrRatio?: number;
}

export type Ramp = 'linear' | 'cosine' | '1-sqrt';

export interface Schedule {
  readonly type: SchedulerType;
  /** Peak. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  readonly shape?: ScheduleShape;
}

/** Steps of a warm-up that is given as steps, or below 1 as a share of all (transformers' `get_warmup_steps`). */
export const wholeWarmup = (stepsOrShare: number, totalSteps: number): number =>
  stepsOrShare < 1 ? Math.ceil(stepsOrShare * totalSteps) : stepsOrShare;

interface Point {
  readonly step: number;
  readonly warmup: number;
  readonly total: number;
  readonly peak: number;
  /** Share of the steps after the warm-up. */
  readonly progress: number;
  readonly shape: ScheduleShape;
}

/** Share of the peak. */
type Factor = (point: Point) => number;

/** Rises from 0 in equal parts before `after` takes over. */
const warmedUp =
  (after: Factor): Factor =>
  (point) =>
    point.step < point.warmup ? point.step / Math.max(1, point.warmup) : after(point);

const cosine = (progress: number, cycles: number): number =>
  0.5 * (1 + Math.cos(2 * Math.PI * cycles * progress));

const withFloor = (factor: number, floor: number): number =>
  Math.max(0, factor * (1 - floor) + floor);

const inverseSqrt: Factor = ({ step, warmup, shape }) => {
  const timescale = shape.timescale ?? (warmup || 10_000);
  return 1 / Math.sqrt((step + timescale - warmup) / timescale);
};

const polynomial: Factor = ({ step, total, peak, progress, shape }) => {
  const { lrEnd = 1e-7, power = 1 } = shape;
  if (step > total) return lrEnd / peak;
  return ((peak - lrEnd) * (1 - progress) ** power + lrEnd) / peak;
};

const restarts: Factor = ({ progress, shape }) =>
  progress >= 1 ? 0 : Math.max(0, cosine((progress * (shape.numCycles ?? 1)) % 1, 0.5));

/** The first step has a rate above 0 already, the last one the minimum. */
const cosineFromFirstStep: Factor = ({ step, warmup, total, shape }) => {
  const { minLrRate = 0, warmupLrRate, numCycles = 0.5 } = shape;
  if (step < warmup) {
    if (warmupLrRate === undefined) return (step + 1) / Math.max(1, warmup);
    return warmupLrRate + ((1 - warmupLrRate) * step) / Math.max(1, warmup - 1);
  }
  const progress = (step - warmup + 1) / Math.max(1, total - warmup);
  return withFloor(cosine(progress, numCycles), minLrRate);
};

/** From 0 to 1. */
const RISES = {
  linear: (progress) => progress,
  cosine: (progress) => 0.5 * (1 - Math.cos(Math.PI * progress)),
  '1-sqrt': (progress) => 1 - Math.sqrt(1 - progress),
} as const satisfies Record<Ramp, (progress: number) => number>;

/** From 1 to 0; a cosine falls `cycles` waves. */
const FALLS = {
  linear: (progress) => 1 - progress,
  cosine,
  '1-sqrt': (progress) => 1 - Math.sqrt(progress),
} as const satisfies Record<Ramp, (progress: number, cycles: number) => number>;

const stableThenDecay: Factor = ({ step, warmup, total, shape }) => {
  const { warmupType = 'linear', decayType = 'cosine', minLrRatio = 0, numCycles = 0.5 } = shape;
  const decay = shape.numDecaySteps ?? 0;
  // Before the warm-up ends where both do not fit: the fall is then cut at its beginning, not at its end.
  const decayStart = total - decay;
  if (step < warmup) return withFloor(RISES[warmupType](step / Math.max(1, warmup)), minLrRatio);
  if (step < decayStart) return 1;
  if (step >= total) return minLrRatio;
  const progress = (step - decayStart) / Math.max(1, decay);
  return withFloor(FALLS[decayType](progress, numCycles), minLrRatio);
};

const FACTORS = {
  constant: () => 1,
  reduce_lr_on_plateau: () => 1,
  constant_with_warmup: warmedUp(() => 1),
  linear: warmedUp(({ progress }) => Math.max(0, 1 - progress)),
  cosine: warmedUp(({ progress, shape }) => Math.max(0, cosine(progress, shape.numCycles ?? 0.5))),
  cosine_with_restarts: warmedUp(restarts),
  polynomial: warmedUp(polynomial),
  inverse_sqrt: warmedUp(inverseSqrt),
  cosine_with_min_lr: warmedUp(({ progress, shape }) =>
    withFloor(cosine(progress, shape.numCycles ?? 0.5), shape.minLrRate ?? 0),
  ),
  cosine_warmup_with_min_lr: cosineFromFirstStep,
  warmup_stable_decay: stableThenDecay,
} as const satisfies Record<SchedulerType, Factor>;

/**
 * The rate of optimizer step `step`, counted from 0. `constant` and `reduce_lr_on_plateau` have no warm-up;
 * what the latter takes off depends on evaluations (`plateauFactor`).
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { type, learningRate, warmupSteps, totalSteps, shape = {} } = schedule;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  const point = { step, warmup: warmupSteps, total: totalSteps, peak: learningRate };
  return learningRate * FACTORS[type]({ ...point, progress, shape });
}
