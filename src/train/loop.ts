/**
 * When things happen in a training run: steps in order, rows after each, checkpoints now and then and on
 * an interrupt. What a step computes is handed in; the event loop turns once a step, so that signals arrive.
 */
import { setImmediate as signalsDelivered } from 'node:timers/promises';
import type { MetricRow } from '../report/index.js';
import { GuardError, InterruptError } from '../util/errors.js';
import { learningRateAt, type Schedule } from './schedule.js';
import type { StepSeconds } from './trainer.js';

export interface StepOutcome {
  /** Tokens computed, prompt and answer, without padding. */
  readonly tokens: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds?: StepSeconds;
}

export interface StepEvaluation {
  readonly metrics: Readonly<Record<string, number>>;
  /** What the run was to reach is reached, or out of reach: it ends here. */
  readonly isEnough: boolean;
  /** The best so far: a checkpoint is due. */
  readonly isBest?: boolean;
}

export interface LoopOptions {
  readonly schedule: Schedule;
  /** Steps done before (a resumed run). */
  readonly startStep: number;
  /** Tokens computed before. */
  readonly startTokens: number;
  readonly step: (step: number, learningRate: number) => Promise<StepOutcome>;
  /** Multiplies the schedule's rate, by evaluations so far; default 1. */
  readonly rateFactor?: () => number;
  readonly epochsAt: (step: number) => number;
  readonly saveSteps: number;
  /** A checkpoint may be written after a multiple of this only (GRPO: whole generations). */
  readonly savePeriod?: number;
  readonly save: (progress: LoopProgress) => Promise<void>;
  /** Evaluation after so many steps; null where none is due. */
  readonly evaluate?: (step: number) => Promise<StepEvaluation | null>;
  readonly onRow: (row: MetricRow) => void;
  readonly signal: AbortSignal;
}

export interface LoopProgress {
  readonly step: number;
  readonly tokens: number;
}

/**
 * What a guard stops before it does harm leaves a good state, which is saved where a checkpoint may be.
 * A resumed run repeats the evaluation that was due at its checkpoint: it may be what ended the run.
 * @throws InterruptError after saving, when `signal` is aborted.
 */
export async function runLoop(options: LoopOptions): Promise<LoopProgress> {
  const { schedule, startStep, startTokens, savePeriod = 1, signal } = options;
  let tokens = startTokens;
  let saved = startStep;
  if (startStep > 0 && startStep < schedule.totalSteps) {
    const evaluation = await options.evaluate?.(startStep);
    if (evaluation?.isEnough === true) return { step: startStep, tokens };
  }
  for (let step = startStep; step < schedule.totalSteps; step++) {
    await signalsDelivered();
    const started = performance.now();
    const learningRate = learningRateAt(schedule, step) * (options.rateFactor?.() ?? 1);
    let outcome: StepOutcome;
    try {
      outcome = await options.step(step, learningRate);
    } catch (error) {
      const isUnsaved = step > saved && step % savePeriod === 0;
      if (error instanceof GuardError && isUnsaved) await options.save({ step, tokens });
      throw error;
    }
    tokens += outcome.tokens;
    const seconds = (performance.now() - started) / 1000;
    const evaluation = (await options.evaluate?.(step + 1)) ?? null;
    options.onRow({
      step: step + 1,
      epoch: options.epochsAt(step + 1),
      learning_rate: learningRate,
      ...outcome.metrics,
      num_tokens: tokens,
      step_time: seconds,
      tokens_per_s: outcome.tokens / seconds,
      ...evaluation?.metrics,
    });
    const done = step + 1;
    if (evaluation?.isEnough === true) return { step: done, tokens };
    const mayStop = done % savePeriod === 0;
    const isDue = done - saved >= options.saveSteps || evaluation?.isBest === true;
    if (mayStop && (isDue || signal.aborted)) {
      await options.save({ step: done, tokens });
      saved = done;
    }
    if (mayStop && signal.aborted && done < schedule.totalSteps) {
      throw new InterruptError(signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', {
        problem: `stopped after step ${done} of ${schedule.totalSteps}, checkpoint saved`,
        remedy: 'Go on with resume=auto',
      });
    }
  }
  return { step: Math.max(startStep, schedule.totalSteps), tokens };
}
