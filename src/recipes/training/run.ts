/**
 * What the three trainers share: check the input, build the policy, find the checkpoint, and only then open
 * the run folder; run the loop, save the result, evaluate it, write the report.
 */
import { checkRun, checkTrackers, endRun, openRun, type ReadSource } from '../../report/index.js';
import { deviceInfo } from '../../tensor/index.js';
import { type CheckpointStore, heldOutMetrics } from '../../train/index.js';
import type { RecipeContext } from '../context.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { unfinished } from '../interrupt.js';
import { batchShape } from '../memory/estimate.js';
import { type PlannedRun, runOf } from '../outputs/run-of.js';
import { noteSources } from '../outputs/run-sources.js';
import {
  checkpointStore,
  type FoundCheckpoint,
  findCheckpoint,
  restore,
  takeBest,
} from './checkpoints.js';
import { checkChanged, logChanges } from './checks.js';
import { DuringTraining } from './evaluate-during.js';
import {
  evaluateTrained,
  openTrainedEvaluation,
  type TrainedEvaluation,
} from './evaluate-trained.js';
import { sayKeptShape } from './kept-shape.js';
import { logImpliedTracker, openTrainingLog, trackerNames } from './log.js';
import { type PreparedTraining, type TrainingSession, trainingLoop } from './loop.js';
import {
  configureDevice,
  type TrainedPolicy,
  type TrainerConfig,
  trainedPolicy,
} from './policy-source.js';
import type { PreviewSequence } from './preview.js';
import { saveModel } from './save-model.js';
import { syncedSampler } from './synced-sampler.js';

export interface TrainingRecipe<Config extends TrainerConfig, Inputs> {
  readonly command: 'sft' | 'dpo' | 'grpo';
  readonly keepReference: boolean;
  /** Reads and checks everything the run needs; nothing is written yet. */
  readonly inputs: (config: Config, source: ModelSource, context: RecipeContext) => Promise<Inputs>;
  /** Ends what `inputs` opened. */
  readonly close?: (inputs: Inputs) => Promise<void>;
  /** The data as it would be trained, for `--preview`. */
  readonly sequences: (inputs: Inputs) => readonly PreviewSequence[];
  readonly prepare: (
    config: Config,
    inputs: Inputs,
    session: TrainingSession,
  ) => Promise<PreparedTraining>;
}

export interface TrainingResult {
  readonly run_dir: string;
  readonly run_id: string;
  readonly steps: number;
  readonly [metric: string]: number | string | null;
}

export async function trainingRun<Config extends TrainerConfig, Inputs>(
  recipe: TrainingRecipe<Config, Inputs>,
  config: Config,
  caller: RecipeContext,
): Promise<TrainingResult> {
  const { context, sources } = noteSources(caller);
  const { dir, options } = runOf(recipe.command, config);
  checkRun(dir, options);
  logImpliedTracker(config, context);
  await checkTrackers({ names: trackerNames(config), env: process.env });
  configureDevice(config);
  const source = await openModel(config, context);
  try {
    sayKeptShape(config, source, context.log);
    const inputs = await recipe.inputs(config, source, context);
    try {
      const evaluation = await openTrainedEvaluation(config, source, context);
      try {
        const args = { recipe, config, inputs, evaluation };
        return await trainedRun(args, { dir, options: { ...options, sources }, source, context });
      } finally {
        await evaluation?.graders?.close();
      }
    } finally {
      await recipe.close?.(inputs);
    }
  } finally {
    source.close();
  }
}

/** The run folder is opened when everything else is. */
async function trainedRun<Config extends TrainerConfig, Inputs>(
  args: CheckedRun<Config, Inputs>,
  { dir, options, source, context }: RunPlace,
): Promise<TrainingResult> {
  const { recipe, config } = args;
  const started = performance.now();
  const trained = trainedPolicy(config, source, {
    keepReference: recipe.keepReference,
    shape: batchShape(recipe.command, config),
  });
  try {
    const store = checkpointStore(dir, { config, source, trained });
    const checkpoint = findCheckpoint(store, config.resume);
    const seconds = (performance.now() - started) / 1000;
    const reads = [...(options.reads ?? []), source.baseDir];
    const run = openRun(dir, { ...options, reads });
    try {
      run.phases.add('load', seconds);
      const session = { run, source, trained, startStep: checkpoint?.state.step ?? 0, context };
      const { sources = [] } = options;
      return await runIn(session, { ...args, sources, store, checkpoint });
    } catch (error) {
      endRun(run, { status: unfinished(context.signal), error, log: context.log });
      throw error;
    }
  } finally {
    trained.dispose();
  }
}

interface CheckedRun<Config extends TrainerConfig, Inputs> {
  readonly recipe: TrainingRecipe<Config, Inputs>;
  readonly config: Config;
  readonly inputs: Inputs;
  readonly evaluation: TrainedEvaluation | null;
}

interface RunPlace extends PlannedRun {
  readonly source: ModelSource;
  readonly context: RecipeContext;
}

interface RunArgs<Config extends TrainerConfig, Inputs> extends CheckedRun<Config, Inputs> {
  readonly sources: readonly ReadSource[];
  readonly store: CheckpointStore;
  readonly checkpoint: FoundCheckpoint | null;
}

async function runIn<Config extends TrainerConfig, Inputs>(
  session: TrainingSession,
  args: RunArgs<Config, Inputs>,
): Promise<TrainingResult> {
  const { run, source, trained, context } = session;
  const { recipe, config, inputs, store, checkpoint } = args;
  logChanges(run, context);
  const { device, card, tensorflow, threads } = deviceInfo();
  run.record({ device, versions: { tensorflow } });
  context.log(
    `${recipe.command}: TensorFlow ${tensorflow} on ${card === null ? device : `${device} (${card})`}, ${threads} threads`,
  );
  if (checkpoint !== null) {
    restore(trained, { run, store, checkpoint });
    context.log(`resuming from ${checkpoint.path} (step ${checkpoint.state.step})`);
  } else if (run.isResumed) {
    context.log('no checkpoint was saved yet: starting from step 0');
  }
  const prepared = await recipe.prepare(config, inputs, session);
  const resumeStep = checkpoint === null ? null : session.startStep;
  const log = await openTrainingLog({
    ...{ run, command: recipe.command, config, context, resumeStep },
    ...prepared,
  });
  const { evaluation } = args;
  const { log: say } = context;
  const sampling = syncedSampler({ config, evaluation, source, trained, log: say });
  const { heldOut, writer = (sampler) => sampler } = prepared;
  const evaluates = new DuringTraining({
    config,
    evaluation: args.evaluation,
    sampler: sampling.now,
    rest: sampling.rest,
    writer,
    heldOut:
      heldOut === undefined ? null : async () => heldOutMetrics(trained.policy, await heldOut()),
    rewards: prepared.rewards?.grade ?? null,
    history: checkpoint?.state.evaluations ?? [],
    onSamples: log.samples,
  });
  try {
    const progress = await trainingLoop(session, {
      ...{ config, prepared, evaluates, store, checkpoint, log },
      trainer: recipe.command,
    });
    checkChanged(session, progress, recipe.command);
    sampling.dispose();
    const { best } = evaluates;
    const { totalSteps } = prepared;
    const ending = progress.step < totalSteps ? evaluates.endedBy : null;
    if (ending !== null) {
      context.log(
        `ended after step ${progress.step} of ${totalSteps} by ${ending}: ${config[ending]}`,
      );
    }
    if (best !== null && best !== progress.step) {
      takeBest(trained, store, best);
      context.log(`the best step was ${best}: the model is that of its checkpoint`);
    }
    const weights = await finalWeights(trained);
    saveModel(run.paths.model, { source, config, sources: args.sources, ...weights });
    await prepared.dispose?.();
    const evaluated = await evaluateTrained(run, {
      ...{ config, inputs: args.evaluation?.inputs ?? null, context },
      rewards: prepared.rewards?.grade ?? null,
      writer,
    });
    const results = {
      steps: progress.step,
      ...(ending !== null && { ended_by: ending }),
      ...evaluated?.results,
    };
    if (evaluated !== null) log.results(progress.step, evaluated.results);
    await log.close('done');
    run.record({ results });
    endRun(run, { status: 'done', sections: evaluated?.sections ?? [], log: context.log });
    context.log(`done: ${run.dir}`);
    return { run_dir: run.dir, run_id: run.runId, ...results };
  } finally {
    await log.close(unfinished(context.signal));
    sampling.dispose();
    await prepared.dispose?.();
  }
}

async function finalWeights(trained: TrainedPolicy) {
  const adapter = await trained.adapter();
  return {
    adapter,
    parameters: adapter === null ? await trained.policy.parameters.download() : null,
  };
}
