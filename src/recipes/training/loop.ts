/** The loop of a training run: its rows, checkpoints and evaluations on the way. The last step is always saved. */
import { resumeKeys } from '../../config/index.js';
import type { MetricRow } from '../../report/index.js';
import {
  type CheckpointStore,
  type LoopProgress,
  runLoop,
  saveCheckpoint,
  type TrainerName,
} from '../../train/index.js';
import { InterruptError } from '../../util/errors.js';
import { watchRows } from './alarms.js';
import type { FoundCheckpoint } from './checkpoints.js';
import type { DuringTraining } from './evaluate-during.js';
import type { TrainingLog } from './log.js';
import { scheduleOf } from './optimization.js';
import type { PreparedTraining, TrainingSession } from './recipe.js';
import type { TrainerConfig } from './trainer-config.js';

interface LoopArgs {
  readonly config: TrainerConfig;
  readonly prepared: PreparedTraining;
  readonly evaluates: DuringTraining;
  readonly store: CheckpointStore;
  readonly checkpoint: FoundCheckpoint | null;
  readonly log: TrainingLog;
  readonly trainer: TrainerName;
}

export async function trainingLoop(
  session: TrainingSession,
  args: LoopArgs,
): Promise<LoopProgress> {
  const { run, trained, startStep, context } = session;
  const { config, prepared, evaluates, store, checkpoint, log } = args;
  const goOn = resumeKeys(run.dir);
  let saved = startStep;
  const save = ({ step, tokens }: LoopProgress) =>
    run.phases.time('save', async () => {
      const parameters = await trained.policy.parameters.download();
      const optimizer = await trained.trainer.optimizer.state();
      const moving = config.sync_ref_model === true ? trained.policy.reference : null;
      const reference = (await moving?.download()) ?? null;
      log.flush();
      prepared.flush?.();
      const { history: evaluations, metric, best } = evaluates;
      await saveCheckpoint(
        store,
        { step, tokens, parameters, optimizer, reference, evaluations, metric },
        { keep: best === null ? [] : [best] },
      );
      saved = step;
    });
  const { totalSteps, savePeriod = 1 } = prepared;
  const watch = watchRows(args.trainer, config, session);
  const onRow = (row: MetricRow) => {
    log.row(row);
    watch(row);
  };
  try {
    const progress = await runLoop({
      schedule: scheduleOf(config, totalSteps),
      rateFactor: () => evaluates.rateFactor(),
      startStep,
      startTokens: checkpoint?.state.tokens ?? 0,
      step: async (step, rate) => {
        const outcome = await run.phases.time('update', () => prepared.step(step, rate));
        trained.afterStep(step + 1);
        return outcome;
      },
      epochsAt: prepared.epochsAt,
      saveSteps: config.save_steps,
      savePeriod,
      save,
      isWhole: (step) => trained.trainer.updates === step - startStep,
      evaluate: async (step) =>
        evaluates.isDue(step) ? run.phases.time('evaluate', () => evaluates.after(step)) : null,
      onRow,
      onRepeated: (metrics) => log.repeated(metrics),
      isEvaluated: (step) => evaluates.has(step),
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
