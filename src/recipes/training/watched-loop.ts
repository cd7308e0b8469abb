/**
 * The loop of a run in its folder, wherever its steps are computed: rows with alarms, evaluations on the way, and
 * states to go on from. The last step is always saved.
 */
import type { RunFolder } from '../../report/index.js';
import {
  type LoopOptions,
  type LoopProgress,
  runLoop,
  type TrainerName,
} from '../../train/index.js';
import { InterruptError } from '../../util/errors.js';
import { resumeKeys } from '../../util/in-use.js';
import type { RecipeContext } from '../context.js';
import { watchRows } from './alarms.js';
import type { DuringTraining, Ending } from './evaluate-during.js';
import type { TrainingLog } from './log.js';
import type { TrainerConfig } from './trainer-config.js';

type Computed =
  | ('schedule' | 'startStep' | 'startTokens' | 'step' | 'isWhole')
  | ('epochsAt' | 'saveSteps' | 'savePeriod' | 'save');

export interface WatchedOptions extends Pick<LoopOptions, Computed> {
  readonly trainer: TrainerName;
  readonly config: Pick<TrainerConfig, 'alarms' | Ending>;
  readonly evaluates: DuringTraining;
  readonly log: TrainingLog;
}

export interface WatchedProgress extends LoopProgress {
  /** The config key that ended the run before its last step. */
  readonly endedBy: Ending | null;
}

interface Place {
  readonly run: RunFolder;
  readonly context: RecipeContext;
}

export async function watchedLoop(place: Place, options: WatchedOptions): Promise<WatchedProgress> {
  const { config, evaluates, schedule } = options;
  const progress = await savedLoop(place, options);
  const endedBy = progress.step < schedule.totalSteps ? evaluates.endedBy : null;
  if (endedBy !== null) {
    const after = `after step ${progress.step} of ${schedule.totalSteps}`;
    place.context.log(`ended ${after} by ${endedBy}: ${config[endedBy]}`);
  }
  return { ...progress, endedBy };
}

async function savedLoop(
  { run, context }: Place,
  { trainer, config, evaluates, log, ...computed }: WatchedOptions,
): Promise<LoopProgress> {
  const { startStep, savePeriod = 1 } = computed;
  const goOn = resumeKeys(run.dir);
  let saved = startStep;
  const save = (progress: LoopProgress) =>
    run.phases.time('save', async () => {
      log.flush();
      await computed.save(progress);
      saved = progress.step;
    });
  const watch = watchRows(trainer, config, { run, context, startStep });
  try {
    const progress = await runLoop({
      ...computed,
      rateFactor: () => evaluates.rateFactor(),
      step: (step, rate) => run.phases.time('update', () => computed.step(step, rate)),
      save,
      evaluate: async (step) =>
        evaluates.isDue(step) ? run.phases.time('evaluate', () => evaluates.after(step)) : null,
      isEvaluated: (step) => evaluates.has(step),
      onRow: (row) => {
        run.check();
        log.row(row);
        watch(row);
      },
      onRepeated: (metrics) => log.repeated(metrics),
      goOn,
      signal: context.signal,
    });
    const { step } = progress;
    if (step > saved && step % savePeriod === 0) await save(progress);
    return progress;
  } catch (error) {
    const isSaid = error instanceof InterruptError;
    if (saved > startStep && !isSaid)
      context.log(`step ${saved} is saved: ${goOn} goes on from it`);
    throw error;
  } finally {
    log.trained();
  }
}
