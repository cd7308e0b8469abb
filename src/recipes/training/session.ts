/**
 * A training run in its folder: begin or go on from the checkpoint, train, take the best step, save the model,
 * evaluate it, write the report.
 */
import { endRun, type ReadSource } from '../../report/index.js';
import { deviceInfo } from '../../tensor/index.js';
import { type CheckpointStore, heldOutMetrics } from '../../train/index.js';
import { closing } from '../../util/close-stack.js';
import { counted } from '../../util/counted.js';
import { quantizationName } from '../../weights/index.js';
import { unfinished } from '../interrupt.js';
import { type FoundCheckpoint, keptSteps, restore, takeBest } from './checkpoints.js';
import { checkChanged, logChanges } from './checks.js';
import { DuringTraining } from './evaluate-during.js';
import { evaluateTrained, type TrainedEvaluation } from './evaluate-trained.js';
import { openTrainingLog, type TrainingLog } from './log.js';
import { trainingLoop } from './loop.js';
import type { PreparedTraining, TrainingRecipe, TrainingSession } from './recipe.js';
import { saveModel } from './save-model.js';
import { type SyncedSampler, syncedSampler } from './synced-sampler.js';
import type { TrainerConfig } from './trainer-config.js';

/** What the run is made of beside the recipe and what that has read. */
interface SessionParts {
  readonly config: TrainerConfig;
  /** Null: the config asks for no evaluation. */
  readonly evaluation: TrainedEvaluation | null;
  /** Models and data sets that were read. */
  readonly sources: readonly ReadSource[];
  readonly store: CheckpointStore;
  /** Null in a fresh run. */
  readonly checkpoint: FoundCheckpoint | null;
}

export interface SessionArgs<Config extends TrainerConfig, Inputs> extends SessionParts {
  readonly recipe: TrainingRecipe<Config, Inputs>;
  readonly config: Config;
  readonly inputs: Inputs;
}

export interface TrainingResult {
  readonly run_dir: string;
  readonly run_id: string;
  readonly steps: number;
  readonly [metric: string]: number | string | null;
}

export async function runSession<Config extends TrainerConfig, Inputs>(
  session: TrainingSession,
  args: SessionArgs<Config, Inputs>,
): Promise<TrainingResult> {
  const { run, source, trained, startStep, context } = session;
  const { recipe, config, inputs, evaluation, store, checkpoint } = args;
  const { command } = recipe;
  logChanges(run, context);
  sayDevice(session, command);
  begin(session, args);
  return await closing(async (stack) => {
    const prepared = await recipe.prepare(config, inputs, session);
    stack.defer(() => prepared.dispose?.());
    const { totalSteps } = prepared;
    if (startStep > totalSteps) {
      context.log(
        `warning: the run has ${counted(startStep, 'step')} already, more than ${totalSteps}: none follows`,
      );
    }
    const resumeStep = checkpoint === null ? null : startStep;
    const log = await openTrainingLog({ run, command, config, context, resumeStep, ...prepared });
    stack.defer(() => log.close(unfinished(context.signal)));
    const sampling = syncedSampler({ config, evaluation, source, trained, log: context.log });
    stack.defer(() => sampling.dispose());
    const evaluates = duringTraining(session, args, { prepared, log, sampling });
    const loop = { config, prepared, evaluates, store, checkpoint, log, trainer: command };
    const progress = await trainingLoop(session, loop);
    checkChanged(session, progress, command);
    sampling.dispose();
    const best = evaluates.bestBy(progress.step);
    if (best !== null && best !== progress.step) {
      const failure = takeBest(trained, store, best);
      context.log(
        failure === null
          ? `the best step was ${best}: the model is that of its checkpoint`
          : `warning: the checkpoint of the best step ${best} ${failure}: the model is that of step ${progress.step}`,
      );
    }
    await saveTrained(session, args);
    await prepared.dispose?.();
    // The evaluation samples from what was saved; its sampler takes the room.
    trained.dispose();
    const evaluated = await evaluateTrained(run, {
      config,
      inputs: evaluation?.inputs ?? null,
      rewards: prepared.rewards?.grade ?? null,
      writer: prepared.writer,
      base: source,
      context,
    });
    if (evaluated !== null) log.results(progress.step, evaluated.results);
    await log.close('done');
    const results = {
      steps: progress.step,
      ...(progress.endedBy !== null && { ended_by: progress.endedBy }),
      ...evaluated?.results,
    };
    run.record({ results });
    endRun(run, { status: 'done', sections: evaluated?.sections ?? [], log: context.log });
    context.log(`done: ${run.dir}`);
    return { run_dir: run.dir, run_id: run.runId, ...results };
  });
}

function sayDevice({ run, source, context }: TrainingSession, command: string): void {
  const { device, card, tensorflow, threads } = deviceInfo();
  run.record({ device, versions: { tensorflow } });
  if (source.quantization !== null) {
    const quantization = quantizationName(source.quantization);
    run.record({ quantization });
    context.log(`${command}: linear modules of the base in 4 bits (${quantization})`);
  }
  const place = card === null ? device : `${device} (${card})`;
  context.log(`${command}: TensorFlow ${tensorflow} on ${place}, ${counted(threads, 'thread')}`);
}

/** Puts the checkpoint in place, where there is one. */
function begin(
  { run, trained, context }: TrainingSession,
  { store, checkpoint }: Pick<SessionParts, 'store' | 'checkpoint'>,
): void {
  if (checkpoint !== null) {
    restore(trained, { run, store, checkpoint });
    context.log(`resuming from ${checkpoint.path} (step ${checkpoint.state.step})`);
  } else if (run.isResumed) {
    context.log('no checkpoint was saved yet: starting from step 0');
  }
}

interface Opened {
  readonly prepared: PreparedTraining;
  readonly log: TrainingLog;
  readonly sampling: SyncedSampler;
}

function duringTraining(
  { trained, context, startStep }: TrainingSession,
  { config, evaluation, checkpoint, store }: SessionParts,
  { prepared, log, sampling }: Opened,
): DuringTraining {
  const { heldOut, writer, rewards, savePeriod = 1 } = prepared;
  const { eval_steps: every, load_best_model_at_end: seeksBest } = config;
  if (seeksBest && every !== null && every % savePeriod > 0) {
    context.log(
      `warning: eval_steps=${every}: checkpoints are of every ${counted(savePeriod, 'step')}, a whole generation. Of other steps only the last one can be the best: give a multiple of ${savePeriod}`,
    );
  }
  return new DuringTraining({
    config,
    evaluation,
    sampler: async () => {
      await prepared.rest?.();
      return await sampling.now();
    },
    rest: sampling.rest,
    writer,
    heldOut: heldOut
      ? async () => heldOutMetrics(trained.policy, await heldOut(), trained.trainer)
      : null,
    rewards: rewards?.grade ?? null,
    history: checkpoint?.state.evaluations ?? [],
    historyMetric: checkpoint?.state.metric,
    isKept: keptSteps(store, { startStep, savePeriod }),
    onSamples: log.samples,
    log: context.log,
  });
}

/** The adapter, or all weights where there is none, into `model/`. */
async function saveTrained(
  { run, source, trained }: TrainingSession,
  { config, sources }: SessionParts,
): Promise<void> {
  const adapter = await trained.adapter();
  const parameters = adapter === null ? await trained.policy.parameters.download() : null;
  await saveModel(run.paths.model, { source, config, sources, adapter, parameters });
}
