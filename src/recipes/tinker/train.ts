/** The loop of a training at Tinker: its rows, states and evaluations are those of a local run folder. */
import { impliedEvaluation, type TinkerConfig } from '../../config/index.js';
import type { TinkerModel, TinkerSession } from '../../remote/index.js';
import type { RunFolder } from '../../report/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { DataOrder, type LoopProgress, wholeWarmup } from '../../train/index.js';
import { closing } from '../../util/close-stack.js';
import type { RecipeContext } from '../context.js';
import { evaluateRuns } from '../evaluation/evaluate-model.js';
import { unfinished } from '../interrupt.js';
import { GrpoLogs } from '../reinforcement/logs.js';
import { DuringTraining } from '../training/evaluate-during.js';
import {
  type EvaluatedRun,
  evaluatedRun,
  type TrainedEvaluation,
  trainerJudge,
} from '../training/evaluate-trained.js';
import { openTrainingLog, type TrainingLog } from '../training/log.js';
import { watchedLoop } from '../training/watched-loop.js';
import { openTinkerRecord, type TinkerKeeper, type TinkerState } from './record.js';
import type { TinkerData } from './rows.js';
import { openTinkerSampler } from './sampler.js';
import { grpoStepAt, sftStepAt, type TinkerStep } from './steps.js';

/** The keys of a local trainer that evaluations and logs read. */
export const asTrainer = (config: TinkerConfig) => ({
  ...config,
  threads: null,
  overlong_prompts: 'drop' as const,
  stage: config.stage ?? config.method,
  eval: config.eval && { ...impliedEvaluation(), ...config.eval },
});

export interface TinkerTraining {
  readonly config: TinkerConfig;
  readonly trainer: ReturnType<typeof asTrainer>;
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
    const { config, trainer, context, run, data } = training;
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
      config: trainer,
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
  const { model, lora_rank: rank, seed, train_unembed, train_mlp, train_attn } = config;
  return await session.createModel(model, { rank, seed, train_unembed, train_mlp, train_attn });
}

/** Null: there are no completions. */
function logsOf(
  { config, trainer, run, tokenizer, data }: TinkerTraining,
  resumeStep: number | null,
): GrpoLogs | null {
  if (data.rewards === null) return null;
  return new GrpoLogs(config, { run, resumeStep, tokenizer, judge: trainerJudge(trainer) });
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
  const { config, trainer, context, run, model, keeper, order, totalSteps, state, log } = place;
  let done = state?.step ?? 0;
  const sampler = () => openTinkerSampler(model, { step: done, tokenizer: place.tokenizer });
  const evaluates = new DuringTraining({
    config: trainer,
    evaluation: place.evaluation,
    sampler,
    heldOut: null,
    rewards: place.data.rewards?.grade ?? null,
    history: state?.evaluations ?? [],
    historyMetric: state?.metric_for_best_model,
    onSamples: log.samples,
    log: context.log,
  });
  const stepAt = stepOf(place, sampler);
  const { step: steps, endedBy } = await watchedLoop(place, {
    trainer: config.method,
    config: trainer,
    evaluates,
    log,
    schedule: {
      type: config.lr_scheduler_type,
      learningRate: config.learning_rate,
      warmupSteps: wholeWarmup(config.warmup_steps, totalSteps),
      totalSteps,
    },
    startStep: done,
    startTokens: state?.tokens ?? 0,
    step: async (step, rate) => {
      const outcome = await stepAt(step, rate);
      done = step + 1;
      return outcome;
    },
    epochsAt: (step) => order.epochsAt(step),
    saveSteps: config.save_steps,
    save: (progress) => saveState(place, progress, evaluates),
  });
  const saved = await model.saveForSampler(`${run.runId}-final`);
  keeper.set({ sampler_path: saved });
  const evaluated = await evaluatedAt(place, { saved, sampler });
  return { model, keeper, steps, endedBy, evaluated };
}

async function saveState(
  { run, context, model, keeper, logs }: Place,
  { step, tokens }: LoopProgress,
  { history: evaluations, metric: metric_for_best_model }: DuringTraining,
): Promise<void> {
  const path = await model.saveState(`${run.runId}-step-${step}`);
  logs?.flush();
  const state = { step, tokens, path, evaluations, metric_for_best_model };
  keeper.set({ states: [...keeper.get().states, state] });
  context.log(`state of step ${step}: ${path}`);
}

type OpenSampler = () => ReturnType<typeof openTinkerSampler>;

function stepOf(place: Place, sampler: OpenSampler): TinkerStep {
  const { config, model, order, run, data, logs, context } = place;
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
    log: context.log,
  });
}

/** The evaluation after training, by samples of the final weights. */
async function evaluatedAt(
  { trainer, context, run, data, evaluation }: Place,
  { saved, sampler }: { readonly saved: string; readonly sampler: OpenSampler },
): Promise<EvaluatedRun | null> {
  return await evaluatedRun(run, {
    config: trainer,
    context,
    saved,
    inputs: evaluation?.inputs ?? null,
    rewards: data.rewards?.grade ?? null,
    sample: async (options) => evaluateRuns(await sampler(), options),
  });
}
