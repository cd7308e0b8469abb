/** Learning rate by step, under transformers' scheduler names. */

export type SchedulerType = 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';

export interface Schedule {
  readonly type: SchedulerType;
  /** Peak. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * The rate of optimizer step `step`, counted from 0. Warm-up rises from 0 in equal parts; then `linear`
 * falls to 0, `cosine` falls along half a cosine, the constant ones stay. `constant` has no warm-up.
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { type, learningRate, warmupSteps, totalSteps } = schedule;
  if (type === 'constant') return learningRate;
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  if (type === 'constant_with_warmup') return learningRate;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  if (type === 'linear') return learningRate * Math.max(0, 1 - progress);
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
