/**
 * When things happen in a training run: steps in order, rows after each, checkpoints now and then and on
 * an interrupt. What a step computes is handed in; the event loop turns once a step, so that signals arrive.
 */
import { setImmediate as signalsDelivered } from 'node:timers/promises';
import type { MetricRow } from '../report/index.js';
import { GuardError, InterruptError } from '../util/errors.js';
import { stopSignalOf } from '../util/stop-signals.js';
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
  /** Whether what is trained has done so many steps and no part of another; default: yes, after a GuardError. */
  readonly isWhole?: (step: number) => boolean;
  /** Evaluation after so many steps; null where none is due. */
  readonly evaluate?: (step: number) => Promise<StepEvaluation | null>;
  readonly onRow: (row: MetricRow) => void;
  /** Metrics of the evaluation that a resumed run repeats: their step has its row already. */
  readonly onRepeated?: (metrics: MetricRow) => void;
  /** Whether the evaluation after the last step is known, so that it is not repeated; default: it is. */
  readonly isEvaluated?: (step: number) => boolean;
  /** What a call is given to go on from a checkpoint. */
  readonly goOn: string;
  readonly signal: AbortSignal;
}

export interface LoopProgress {
  readonly step: number;
  readonly tokens: number;
}

/**
 * An error loses no step that is whole and has its row: it is saved where a checkpoint may be, and the error counts
 * also where it cannot be. A resumed run repeats the evaluation that was due at its checkpoint: it may be what ended the run.
 * @throws InterruptError after saving, when `signal` is aborted.
 */
export async function runLoop(options: LoopOptions): Promise<LoopProgress> {
  const { schedule, startStep, startTokens, savePeriod = 1, signal } = options;
  let done: LoopProgress = { step: startStep, tokens: startTokens };
  let saved = startStep;
  let noted = startStep;
  const note = (row: MetricRow): void => {
    options.onRow(row);
    noted = row.step;
  };
  const save = async (): Promise<void> => {
    saved = done.step;
    await options.save(done);
  };
  const repeated = await repeatedEvaluation(options);
  if (repeated !== null) options.onRepeated?.({ step: startStep, ...repeated.metrics });
  if (repeated?.isEnough === true) return done;
  try {
    for (let step = startStep; step < schedule.totalSteps; step++) {
      await signalsDelivered();
      const started = performance.now();
      const learningRate = learningRateAt(schedule, step) * (options.rateFactor?.() ?? 1);
      const outcome = await options.step(step, learningRate);
      done = { step: step + 1, tokens: done.tokens + outcome.tokens };
      const seconds = (performance.now() - started) / 1000;
      const row = {
        step: done.step,
        epoch: options.epochsAt(done.step),
        learning_rate: learningRate,
        ...outcome.metrics,
        num_tokens: done.tokens,
        step_time: seconds,
        tokens_per_s: outcome.tokens / seconds,
      };
      const evaluation = await evaluated(options, row, note);
      note({ ...row, ...evaluation?.metrics });
      if (evaluation?.isEnough === true) return done;
      const mayStop = done.step % savePeriod === 0;
      const isDue = done.step - saved >= options.saveSteps || evaluation?.isBest === true;
      if (mayStop && (isDue || signal.aborted)) await save();
      if (mayStop && signal.aborted && done.step < schedule.totalSteps) {
        throw new InterruptError(stopSignalOf(signal), {
          problem: `stopped after step ${done.step} of ${schedule.totalSteps}, checkpoint saved`,
          remedy: `Go on with ${options.goOn}`,
        });
      }
    }
  } catch (error) {
    const isUnsaved = done.step > saved && done.step % savePeriod === 0;
    const isNoted = noted === done.step;
    const isWhole = options.isWhole?.(done.step) ?? error instanceof GuardError;
    if (isUnsaved && isNoted && isWhole) await save().catch(() => undefined);
    throw error;
  }
  return done;
}

/** The evaluation that was due at the checkpoint; null in a fresh run, and where nothing is left to be known. */
async function repeatedEvaluation(options: LoopOptions): Promise<StepEvaluation | null> {
  const { startStep, evaluate, isEvaluated = () => true } = options;
  const left = options.schedule.totalSteps - startStep;
  const isOpen = left > 0 || (left === 0 && !isEvaluated(startStep));
  return startStep > 0 && isOpen ? ((await evaluate?.(startStep)) ?? null) : null;
}

/** The evaluation due after a step; where it fails, the row of the step is written without it. */
async function evaluated(
  { evaluate }: LoopOptions,
  row: MetricRow,
  note: LoopOptions['onRow'],
): Promise<StepEvaluation | null> {
  try {
    return (await evaluate?.(row.step)) ?? null;
  } catch (error) {
    try {
      note(row);
    } catch {
      // What made the evaluation fail is what the user has to know.
    }
    throw error;
  }
}
