/**
 * `lorikeet tinker`: the loop, the rows, the tokens and the rewards are here; the model's passes, its optimizer
 * and its samples are computed by Tinker's API. A state is saved there every `save_steps` and on Ctrl-C, and
 * `resume=auto` goes on from the last one.
 */
import { existsSync } from 'node:fs';
import { resolvedYaml, runDir, type TinkerConfig } from '../config/index.js';
import { endpointSettings, openEndpoint } from '../endpoint/index.js';
import { openSession, type TinkerModel, type TinkerSession } from '../remote/index.js';
import {
  makeRunId,
  openMetricLog,
  openRun,
  openSampleLog,
  type ReadSource,
  type RunFolder,
  readRun,
  runReport,
  writeReport,
} from '../report/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { DataOrder, type LoopProgress, runLoop } from '../train/index.js';
import type { RecipeContext } from './context.js';
import { tagsOf } from './inputs/dataset.js';
import { noteSources } from './outputs/run-sources.js';
import { type OpenRewards, openRewards } from './rewards/open-rewards.js';
import { openTinkerRecord, type TinkerKeeper } from './tinker/record.js';
import { rlPrompts, supervisedRows, tinkerTokenizer } from './tinker/rows.js';
import { grpoStepAt, sftStepAt, type TinkerStep } from './tinker/steps.js';

export interface TinkerResult {
  readonly run_dir: string;
  readonly steps: number;
  readonly model_id: string;
  /** Weights and optimizer. */
  readonly state_path: string;
  /** Weights to sample from. */
  readonly sampler_path: string;
  readonly [metric: string]: number | string | null;
}

/**
 * @throws InputError on rows or folder; SetupError without a key; RunError when the service fails a request;
 * InterruptError on the signal, after a state was saved
 */
export async function runTinker(
  config: TinkerConfig,
  caller: RecipeContext,
): Promise<TinkerResult> {
  const { context, sources } = noteSources(caller);
  const endpoint = openEndpoint(
    endpointSettings({
      ...{ baseUrl: config.base_url, apiKeyEnv: config.api_key_env, env: process.env },
      ...{ timeoutMs: 1000 * config.timeout_s, attempts: config.max_attempts },
      ...{ keyHeader: 'x-api-key', maxConcurrency: 2 * config.batch_size + 8 },
    }),
  );
  const tokenizer = await tinkerTokenizer(config, context);
  const data = await dataOf(config, tokenizer, context);
  const run = openFolder(config, sources);
  let session: TinkerSession | null = null;
  let status: 'failed' | 'interrupted' | 'done' = 'failed';
  try {
    session = await openSession({
      ...{ endpoint, log: context.log, patienceMs: 1000 * config.patience_s },
      // An interrupt waits for the end of the step, so that its state can be saved.
      signal: new AbortController().signal,
    });
    const result = await train({ config, context, run, session, tokenizer, data });
    status = 'done';
    context.log(`done: ${result.sampler_path}`);
    return result;
  } finally {
    session?.close();
    await data.rewards?.close();
    run.close(status === 'failed' && context.signal.aborted ? 'interrupted' : status);
    if (existsSync(run.paths.metrics)) writeReport(run.paths.report, runReport(readRun(run.dir)));
  }
}

type Data =
  | { readonly rows: Awaited<ReturnType<typeof supervisedRows>>; readonly rewards: null }
  | { readonly rows: Awaited<ReturnType<typeof rlPrompts>>; readonly rewards: OpenRewards };

async function dataOf(
  config: TinkerConfig,
  tokenizer: Tokenizer,
  context: RecipeContext,
): Promise<Data> {
  if (config.method === 'sft') {
    return { rows: await supervisedRows(config, tokenizer, context), rewards: null };
  }
  const rows = await rlPrompts(config, tokenizer, context);
  const unbroken = { ...context, signal: new AbortController().signal };
  const options = { tags: tagsOf(config) };
  const rewards = await openRewards(config.rewards, { keys: config, context: unbroken, options });
  return { rows, rewards };
}

function openFolder(config: TinkerConfig, sources: readonly ReadSource[]): RunFolder {
  const { resume, overwrite, dataset, tokenizer, seed } = config;
  const text = resolvedYaml(config);
  const runId = makeRunId(text);
  return openRun(runDir(config, runId), {
    ...{ resume, overwrite, runId, command: 'tinker', stage: config.method, seeds: { seed } },
    config: { text, values: config },
    sources,
    reads: [dataset.path, tokenizer].filter((path) => path !== null),
  });
}

interface Training {
  readonly config: TinkerConfig;
  readonly context: RecipeContext;
  readonly run: RunFolder;
  readonly session: TinkerSession;
  readonly tokenizer: Tokenizer;
  readonly data: Data;
}

async function train(training: Training): Promise<TinkerResult> {
  const { config, context, run, session, data } = training;
  const keeper = openTinkerRecord(run, config.base_url);
  const model = await modelOf(training, keeper);
  const state = keeper.get().states.at(-1) ?? null;
  const resumeStep = state?.step ?? (run.isResumed ? 0 : null);
  const metrics = openMetricLog(run.paths.metrics, { resumeStep });
  const samples = openSampleLog(run.paths.samples, { resumeStep });
  const { batch_size: batchSize, seed } = config;
  const order = new DataOrder({ examples: data.rows.length, batchSize, seed });
  const totalSteps = config.max_steps ?? order.stepsFor(config.num_train_epochs);
  keeper.set({ session_id: session.sessionId, model_id: model.modelId, sampler_path: null });
  const save = async ({ step, tokens }: LoopProgress) => {
    const path = await model.saveState(`${run.runId}-step-${step}`);
    metrics.flush();
    keeper.set({ states: [...keeper.get().states, { step, tokens, path }] });
    context.log(`state of step ${step}: ${path}`);
  };
  try {
    const progress = await runLoop({
      schedule: {
        ...{ type: config.lr_scheduler_type, learningRate: config.learning_rate },
        ...{ warmupSteps: config.warmup_steps, totalSteps },
      },
      startStep: state?.step ?? 0,
      startTokens: state?.tokens ?? 0,
      step: stepOf(training, { model, order, samples }),
      epochsAt: (step) => order.epochsAt(step),
      saveSteps: config.save_steps,
      save,
      onRow: (row) => {
        metrics.append({ ...row, wall_time: Date.now() / 1000 });
        context.log(`step ${row.step}/${totalSteps}: ${headline(row)}`);
      },
      signal: context.signal,
    });
    if (keeper.get().states.at(-1)?.step !== progress.step) await save(progress);
    const sampler_path = await model.saveForSampler(`${run.runId}-final`);
    keeper.set({ sampler_path });
    return resultOf(run, { model, steps: progress.step, keeper });
  } finally {
    metrics.close();
    samples.close();
  }
}

async function modelOf(
  { config, context, run, session }: Training,
  keeper: TinkerKeeper,
): Promise<TinkerModel> {
  const state = keeper.get().states.at(-1);
  if (state !== undefined && run.isResumed) {
    context.log(`going on from step ${state.step}: ${state.path}`);
    return await session.loadModel(state.path);
  }
  const { lora_rank: rank, seed, train_unembed, train_mlp, train_attn } = config;
  return await session.createModel(config.model, {
    ...{ rank, seed, train_unembed, train_mlp, train_attn },
  });
}

interface StepParts {
  readonly model: TinkerModel;
  readonly order: DataOrder;
  readonly samples: ReturnType<typeof openSampleLog>;
}

function stepOf({ config, tokenizer, data }: Training, parts: StepParts): TinkerStep {
  const { model, order, samples } = parts;
  if (data.rewards === null) return sftStepAt({ config, model, order, rows: data.rows });
  const { grade } = data.rewards;
  return grpoStepAt({ config, model, order, tokenizer, grade, samples, prompts: data.rows });
}

const HEADLINES = ['loss', 'reward', 'completions/mean_length'];

const headline = (row: Readonly<Record<string, unknown>>): string =>
  HEADLINES.flatMap((name) =>
    typeof row[name] === 'number' ? [`${name} ${(row[name] as number).toPrecision(4)}`] : [],
  ).join(', ');

interface Trained {
  readonly model: TinkerModel;
  readonly steps: number;
  readonly keeper: TinkerKeeper;
}

function resultOf(run: RunFolder, { model, steps, keeper }: Trained): TinkerResult {
  const { states, sampler_path } = keeper.get();
  const last = readRun(run.dir).metrics.at(-1) ?? { step: steps };
  const numbers = ['loss', 'reward'].flatMap((name) => {
    const value = (last as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'number' ? [[name, value] as const] : [];
  });
  const facts = {
    ...{ steps, model_id: model.modelId, sampler_path: sampler_path as string },
    state_path: states.at(-1)?.path as string,
    ...Object.fromEntries(numbers),
  };
  run.record({ results: { ...facts, fine_tuned_model: sampler_path } });
  return { run_dir: run.dir, ...facts };
}
