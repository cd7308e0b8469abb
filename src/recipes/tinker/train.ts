/** The loop of a training at Tinker: its rows, states and evaluations are those of a local run folder. */
import { impliedEvaluation, resumeKeys, type TinkerConfig } from '../../config/index.js';
import type { TinkerModel, TinkerSession } from '../../remote/index.js';
import type { MetricRow, RunFolder } from '../../report/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { DataOrder, type LoopProgress, runLoop, wholeWarmup } from '../../train/index.js';
import { closing } from '../../util/close-stack.js';
import type { RecipeContext } from '../context.js';
import { evaluateRuns } from '../evaluation/evaluate-model.js';
import { unfinished } from '../interrupt.js';
import { GrpoLogs } from '../reinforcement/logs.js';
import { watchRows } from '../training/alarms.js';
import { DuringTraining } from '../training/evaluate-during.js';
import {
  type EvaluatedRun,
  evaluatedRun,
  type TrainedEvaluation,
  trainerJudge,
} from '../training/evaluate-trained.js';
import { openTrainingLog, type TrainingLog } from '../training/log.js';
import { openTinkerRecord, type TinkerKeeper, type TinkerState } from './record.js';
import type { TinkerData } from './rows.js';
import { openTinkerSampler } from './sampler.js';
import { grpoStepAt, sftStepAt, type TinkerStep } from './steps.js';

export const stageOf = ({ stage, method }: TinkerConfig): string => stage ?? method;

/** The keys of a local trainer that evaluations and logs read. */
export const asTrainer = (config: TinkerConfig) => ({
  ...config,
  threads: null,
  overlong_prompts: 'drop' as const,
  stage: stageOf(config),
  eval: config.eval && { ...impliedEvaluation(), ...config.eval },
});

export interface TinkerTraining {
  readonly config: TinkerConfig;
  readonly context: RecipeContext;
  readonly run: RunFolder;
  readonly session: TinkerSession;
  readonly tokenizer: Tokenizer;
  readonly data: TinkerData;
  readonly evaluation: TrainedEvaluation | null;
}

export interface TinkerOutcome {
  readonly model: TinkerModel;
  readonly keeper: TinkerKeeper;
  readonly steps: number;
  readonly endedBy: string | null;
  readonly evaluated: EvaluatedRun | null;
}

export function trainAtTinker(training: TinkerTraining): Promise<TinkerOutcome> {
  return closing(async (stack) => {
    const { config, context, run, data } = training;
    const keeper = openTinkerRecord(run, config.base_url);
    const { batch_size: batchSize, seed } = config;
    const order = new DataOrder({ examples: data.rows.length, batchSize, seed });
    const totalSteps = config.max_steps ?? order.stepsFor(config.num_train_epochs);
    const state = keeper.get().states.at(-1) ?? null;
    const model = await run.phases.time('load', () => modelOf(training, state));
    const resumeStep = state?.step ?? null;
    keeper.set({
      session_id: training.session.sessionId,
      model_id: model.modelId,
      sampler_path: null,
    });
    const log = await openTrainingLog({
      run,
      command: 'tinker',
      config: asTrainer(config),
      context,
      resumeStep,
      totalSteps,
      shown: ['reward', 'completions/mean_length', 'loss'],
    });
    stack.defer(() => log.close(unfinished(context.signal)));
    const logs = logsOf(training, resumeStep);
    stack.defer(() => logs?.close());
    const place = { ...training, model, keeper, order, totalSteps, state, log, logs };
    const outcome = await loopOf(place);
    if (outcome.evaluated !== null) log.results(outcome.steps, outcome.evaluated.results);
    await log.close('done');
    return outcome;
  });
}

async function modelOf(
  { config, context, run, session }: TinkerTraining,
  state: TinkerState | null,
): Promise<TinkerModel> {
  if (state !== null && run.isResumed) {
    context.log(`going on from step ${state.step}: ${state.path}`);
    return await session.loadModel(state.path);
  }
  const { lora_rank: rank, seed, train_unembed, train_mlp, train_attn } = config;
  return await session.createModel(config.model, {
    rank,
    seed,
    train_unembed,
    train_mlp,
    train_attn,
  });
}

/** Null: there are no completions. */
function logsOf(
  { config, run, tokenizer, data }: TinkerTraining,
  resumeStep: number | null,
): GrpoLogs | null {
  if (data.rewards === null) return null;
  const judge = trainerJudge(asTrainer(config));
  return new GrpoLogs(config, { run, resumeStep, tokenizer, judge });
}

interface Place extends TinkerTraining {
  readonly model: TinkerModel;
  readonly keeper: TinkerKeeper;
  readonly order: DataOrder;
  readonly totalSteps: number;
  /** The state that is gone on from. */
  readonly state: TinkerState | null;
  readonly log: TrainingLog;
  readonly logs: GrpoLogs | null;
}

async function loopOf(place: Place): Promise<TinkerOutcome> {
  const { config, context, run, model, keeper, order, totalSteps, state, log } = place;
  let done = state?.step ?? 0;
  const sampler = () => openTinkerSampler(model, { step: done, tokenizer: place.tokenizer });
  const evaluates = new DuringTraining({
    config: asTrainer(config),
    evaluation: place.evaluation,
    sampler,
    heldOut: null,
    rewards: place.data.rewards?.grade ?? null,
    history: state?.evaluations ?? [],
    historyMetric: state?.metric_for_best_model,
    onSamples: log.samples,
    log: context.log,
  });
  const save = (progress: LoopProgress) =>
    run.phases.time('save', () => saveState(place, progress, evaluates));
  const watch = watchRows(config.method, config, { run, context, startStep: done });
  const step = stepOf(place, sampler);
  const progress = await runLoop({
    schedule: {
      type: config.lr_scheduler_type,
      learningRate: config.learning_rate,
      warmupSteps: wholeWarmup(config.warmup_steps, totalSteps),
      totalSteps,
    },
    startStep: done,
    startTokens: state?.tokens ?? 0,
    step: async (index, rate) => {
      const outcome = await run.phases.time('update', () => step(index, rate));
      done = index + 1;
      return outcome;
    },
    epochsAt: (index) => order.epochsAt(index),
    saveSteps: config.save_steps,
    save,
    evaluate: async (index) =>
      evaluates.isDue(index) ? run.phases.time('evaluate', () => evaluates.after(index)) : null,
    isEvaluated: (at) => evaluates.has(at),
    onRow: (row: MetricRow) => {
      log.row(row);
      watch(row);
    },
    onRepeated: (metrics) => log.repeated(metrics),
    goOn: resumeKeys(run.dir),
    signal: context.signal,
  }).finally(() => log.trained());
  if (keeper.get().states.at(-1)?.step !== progress.step) await save(progress);
  const saved = await model.saveForSampler(`${run.runId}-final`);
  keeper.set({ sampler_path: saved });
  const endedBy = progress.step < totalSteps ? evaluates.endedBy : null;
  if (endedBy !== null) {
    context.log(`ended after step ${progress.step} of ${totalSteps} by ${endedBy}`);
  }
  const evaluated = await evaluatedAt(place, { saved, sampler });
  return { model, keeper, steps: progress.step, endedBy, evaluated };
}

async function saveState(
  { run, context, model, keeper, log, logs }: Place,
  { step, tokens }: LoopProgress,
  { history: evaluations, metric: metric_for_best_model }: DuringTraining,
): Promise<void> {
  const path = await model.saveState(`${run.runId}-step-${step}`);
  log.flush();
  logs?.flush();
  const state = { step, tokens, path, evaluations, metric_for_best_model };
  keeper.set({ states: [...keeper.get().states, state] });
  context.log(`state of step ${step}: ${path}`);
}

type OpenSampler = () => ReturnType<typeof openTinkerSampler>;

function stepOf(place: Place, sampler: OpenSampler): TinkerStep {
  const { config, model, order, run, data, logs } = place;
  if (data.rewards === null) return sftStepAt({ config, model, order, rows: data.rows });
  return grpoStepAt({
    config,
    model,
    order,
    sampler,
    prompts: data.rows,
    rewards: data.rewards,
    logs: logs!,
    phases: run.phases,
  });
}

/** The evaluation after training, by samples of the final weights. */
async function evaluatedAt(
  { config, context, run, data, evaluation }: Place,
  { saved, sampler }: { readonly saved: string; readonly sampler: OpenSampler },
): Promise<EvaluatedRun | null> {
  return await evaluatedRun(run, {
    config: asTrainer(config),
    context,
    saved,
    inputs: evaluation?.inputs ?? null,
    rewards: data.rewards?.grade ?? null,
    sample: async (options) => evaluateRuns(await sampler(), options),
  });
}
