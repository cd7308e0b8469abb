/**
 * `lorikeet tinker`: the loop, the rows, the tokens and the rewards are here; the model's passes, its optimizer
 * and its samples are computed by Tinker's API. A state is saved there every `save_steps` and on Ctrl-C, and
 * `resume=auto` goes on from the last one.
 */
import type { TinkerConfig } from '../config/index.js';
import { type Endpoint, endpointSettings, openEndpoint } from '../endpoint/index.js';
import { openSession } from '../remote/index.js';
import {
  checkRun,
  checkTrackers,
  endRun,
  openRun,
  type RunFolder,
  readProgress,
} from '../report/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { closing } from '../util/close-stack.js';
import type { RecipeContext } from './context.js';
import { unbroken } from './interrupt.js';
import { inRun } from './outputs/in-run.js';
import { runOf } from './outputs/run-of.js';
import { noteSources } from './outputs/run-sources.js';
import { checkLogNames } from './reinforcement/logs.js';
import { openTaggedRewards } from './rewards/open-rewards.js';
import { trainingPrompts } from './sampling/training-prompts.js';
import { supervisedRows, type TinkerData, tinkerTokenizer } from './tinker/rows.js';
import {
  asTrainer,
  type TinkerOutcome,
  type TinkerTraining,
  trainAtTinker,
} from './tinker/train.js';
import { checkAlarms } from './training/alarms.js';
import { logChanges } from './training/checks.js';
import { openTrainedEvaluation } from './training/evaluate-trained.js';
import { logImpliedTracker, trackerNames } from './training/log.js';
import { checkWatchedMetric } from './training/watched-metric.js';

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
export function runTinker(config: TinkerConfig, caller: RecipeContext): Promise<TinkerResult> {
  return closing(async (stack) => {
    const { context, sources } = noteSources(caller);
    const trainer = asTrainer(config);
    const { dir, options } = runOf('tinker', config, trainer.stage);
    checkRun(dir, options);
    checkAlarms(config);
    const hasRewards = config.method === 'grpo';
    checkWatchedMetric(trainer, { heldOut: null, hasRewards });
    const endpoint = endpointOf(config);
    logImpliedTracker(config, context);
    await checkTrackers({ names: trackerNames(config), env: process.env });
    if (config.method === 'grpo') checkLogNames(config);
    const tokenizer = await tinkerTokenizer(config, context);
    const data = await dataOf(config, tokenizer, context);
    stack.defer(() => data.rewards?.close());
    const model = { tokenizer, spec: { maxPositions: config.max_length } };
    const evaluation = await openTrainedEvaluation(trainer, model, context);
    stack.defer(() => evaluation?.graders?.close());
    const inputs = { config, trainer, context, tokenizer, data, evaluation };
    context.stopsInOrder?.();
    const run = openRun(dir, { ...options, sources });
    return await inRun(run, context, () => trained(run, { ...inputs, endpoint }));
  });
}

const endpointOf = (config: TinkerConfig): Endpoint =>
  openEndpoint(
    endpointSettings({
      baseUrl: config.base_url,
      apiKeyEnv: config.api_key_env,
      env: process.env,
      timeoutMs: 1000 * config.timeout_s,
      attempts: config.max_attempts,
      keyHeader: 'x-api-key',
      maxConcurrency: 2 * config.batch_size + 8,
    }),
  );

interface RunInputs extends Omit<TinkerTraining, 'run' | 'session'> {
  readonly endpoint: Endpoint;
}

async function trained(run: RunFolder, { endpoint, ...inputs }: RunInputs): Promise<TinkerResult> {
  const { config, context } = inputs;
  logChanges(run, context);
  const session = await openSession({
    endpoint,
    log: context.log,
    patienceMs: 1000 * config.patience_s,
    // An interrupt waits for the end of the step, so that its state can be saved.
    signal: new AbortController().signal,
  });
  try {
    const outcome = await trainAtTinker({ ...inputs, run, session });
    const result = resultOf(run, outcome);
    const sections = outcome.evaluated?.sections ?? [];
    endRun(run, { status: 'done', sections, log: context.log });
    context.log(`done: ${result.sampler_path}`);
    return result;
  } finally {
    session.close();
  }
}

async function dataOf(
  config: TinkerConfig,
  tokenizer: Tokenizer,
  context: RecipeContext,
): Promise<TinkerData> {
  if (config.method === 'sft') {
    return { rows: await supervisedRows(config, tokenizer, context), rewards: null };
  }
  const { max_length: longest } = config;
  const rows = await trainingPrompts(config, { tokenizer, longest, overlong: 'drop' }, context);
  const rewards = await openTaggedRewards(config.rewards, config, unbroken(context));
  return { rows, rewards };
}

function resultOf(
  run: RunFolder,
  { model, steps, keeper, endedBy, evaluated }: TinkerOutcome,
): TinkerResult {
  const { states, sampler_path } = keeper.get();
  const last = readProgress(run.dir).metrics.at(-1) ?? { step: steps };
  const numbers = ['loss', 'reward'].flatMap((name) => {
    const value = (last as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'number' ? [[name, value] as const] : [];
  });
  const facts = {
    steps,
    model_id: model.modelId,
    sampler_path: sampler_path as string,
    state_path: states.at(-1)?.path as string,
    ...(endedBy !== null && { ended_by: endedBy }),
    ...Object.fromEntries(numbers),
    ...evaluated?.results,
  };
  run.record({ results: { ...facts, fine_tuned_model: sampler_path } });
  return { run_dir: run.dir, ...facts };
}
