/**
 * What the three trainers share: check the input, open the run folder, build or restore the policy, run the
 * loop with rows and checkpoints, save the result, evaluate it, write the report.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { resolvedYaml } from '../config/index.js';
import { EMBEDDING } from '../model/spec.js';
import {
  type MetricRow,
  makeRunId,
  openMetricLog,
  openRun,
  type RunFolder,
  readRun,
  runReport,
  startProgress,
  writeReport,
} from '../report/index.js';
import { deviceInfo } from '../tensor/index.js';
import {
  type CheckpointState,
  type CheckpointStore,
  type LoopProgress,
  listCheckpoints,
  loadCheckpoint,
  runLoop,
  type StepOutcome,
  saveCheckpoint,
} from '../train/index.js';
import { sha256 } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { metricsTable } from './eval.js';
import { evaluateTrained } from './evaluate-trained.js';
import { type ModelSource, openModel } from './model-source.js';
import {
  configureDevice,
  type TrainedPolicy,
  type TrainerConfig,
  trainedPolicy,
} from './policy-source.js';

import { saveModel } from './save-model.js';

export interface TrainingSession {
  readonly run: RunFolder;
  readonly source: ModelSource;
  readonly trained: TrainedPolicy;
  /** Steps done before this process. */
  readonly startStep: number;
  readonly context: RecipeContext;
}

export interface PreparedTraining {
  readonly totalSteps: number;
  readonly epochsAt: (step: number) => number;
  readonly step: (step: number, learningRate: number) => Promise<StepOutcome>;
  /** Metrics shown behind the progress bar. */
  readonly shown: readonly string[];
  readonly savePeriod?: number;
  /** Called with each checkpoint, so that further logs reach the disk. */
  readonly flush?: () => void;
  readonly dispose?: () => Promise<void>;
}

export interface TrainingRecipe<Config extends TrainerConfig, Inputs> {
  readonly command: 'sft' | 'dpo' | 'grpo';
  readonly keepReference: boolean;
  /** Reads and checks everything the run needs; nothing is written yet. */
  readonly inputs: (config: Config, source: ModelSource, context: RecipeContext) => Promise<Inputs>;
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
  context: RecipeContext,
): Promise<TrainingResult> {
  configureDevice(config);
  const source = await openModel(config, context);
  try {
    const inputs = await recipe.inputs(config, source, context);
    const run = openTrainingRun(recipe.command, config);
    try {
      return await runIn(run, { recipe, config, inputs, source, context });
    } finally {
      run.close(context.signal.aborted ? 'interrupted' : 'failed');
    }
  } finally {
    source.close();
  }
}

function openTrainingRun(command: string, config: TrainerConfig): RunFolder {
  const text = resolvedYaml(config);
  const runId = makeRunId(text);
  const dir = config.output_dir ?? join('outputs', config.run_name ?? runId);
  return openRun(dir, {
    resume: config.resume,
    overwrite: config.overwrite,
    config: { text, values: config },
    command,
    stage: config.stage,
    runId,
    seeds: { seed: config.seed },
  });
}

interface RunArgs<Config extends TrainerConfig, Inputs> {
  readonly recipe: TrainingRecipe<Config, Inputs>;
  readonly config: Config;
  readonly inputs: Inputs;
  readonly source: ModelSource;
  readonly context: RecipeContext;
}

async function runIn<Config extends TrainerConfig, Inputs>(
  run: RunFolder,
  { recipe, config, inputs, source, context }: RunArgs<Config, Inputs>,
): Promise<TrainingResult> {
  for (const { key } of run.configChanges) context.log(`${key} changed since the run began`);
  const { device, tensorflow, threads } = deviceInfo();
  run.record({ device, versions: { tensorflow } });
  context.log(`${recipe.command}: TensorFlow ${tensorflow} on ${device}, ${threads} threads`);
  const { keepReference } = recipe;
  const trained = await run.phases.time('load', () =>
    trainedPolicy(config, source, { keepReference }),
  );
  try {
    const store = checkpointStore(run, { config, source, trained });
    const restored = restore(run, store, { trained, context });
    const startStep = restored?.step ?? 0;
    const session = { run, source, trained, startStep, context };
    const prepared = await recipe.prepare(config, inputs, session);
    try {
      const progress = await loop(run, { config, prepared, trained, store, restored, context });
      saveModel(run.paths.model, { source, config, ...(await finalWeights(trained)) });
      await prepared.dispose?.();
      const evaluation = await evaluateTrained(run, config, context);
      const results = { steps: progress.step, ...evaluation?.metrics };
      run.record({ results });
      run.close('done');
      const tables = evaluation === null ? [] : [metricsTable(evaluation)];
      writeReport(run.paths.report, runReport(readRun(run.dir), tables));
      context.log(`done: ${run.dir}`);
      return { run_dir: run.dir, run_id: run.runId, ...results };
    } finally {
      await prepared.dispose?.();
    }
  } finally {
    trained.dispose();
  }
}

async function finalWeights(trained: TrainedPolicy) {
  const adapter = await trained.adapter();
  return {
    adapter,
    parameters: adapter === null ? await trained.policy.parameters.download() : null,
  };
}

function checkpointStore(
  run: RunFolder,
  {
    config,
    source,
    trained,
  }: { config: TrainerConfig; source: ModelSource; trained: TrainedPolicy },
): CheckpointStore {
  const { shapes } = trained.policy.parameters;
  const fingerprint = sha256(
    JSON.stringify([source.spec, shapes]),
    source.weights(EMBEDDING).bytes,
  );
  return { dir: run.paths.checkpoints, shapes, fingerprint, limit: config.save_total_limit };
}

/** Loads the checkpoint that the run goes on from into the policy; null for a fresh start. */
function restore(
  run: RunFolder,
  store: CheckpointStore,
  { trained, context }: { readonly trained: TrainedPolicy; readonly context: RecipeContext },
): CheckpointState | null {
  const latest = run.isResumed ? (listCheckpoints(store.dir).at(-1) ?? null) : null;
  const from = run.resumeFrom ?? latest;
  if (from === null) {
    if (run.isResumed) context.log('no checkpoint was saved yet: starting from step 0');
    return null;
  }
  const state = loadCheckpoint(from, store);
  const flat = new Float32Array(trained.policy.parameters.size);
  let offset = 0;
  for (const { name } of store.shapes) {
    const part = state.parameters.get(name)!;
    flat.set(part, offset);
    offset += part.length;
  }
  trained.policy.parameters.assign(flat);
  trained.trainer.optimizer.restore(state.optimizer);
  for (const later of listCheckpoints(store.dir)) {
    if (later > from && run.isResumed) rmSync(later, { recursive: true });
  }
  context.log(`resuming from ${from} (step ${state.step})`);
  return state;
}

interface LoopArgs {
  readonly config: TrainerConfig;
  readonly prepared: PreparedTraining;
  readonly trained: TrainedPolicy;
  readonly store: CheckpointStore;
  readonly restored: CheckpointState | null;
  readonly context: RecipeContext;
}

async function loop(run: RunFolder, args: LoopArgs): Promise<LoopProgress> {
  const { config, prepared, trained, store, restored, context } = args;
  const startStep = restored?.step ?? 0;
  const metrics = openMetricLog(run.paths.metrics, { resumeStep: restored?.step ?? null });
  const label = `${config.stage} training`;
  const progress = startProgress({ label, total: prepared.totalSteps, from: startStep });
  const onRow = (row: MetricRow) => {
    metrics.append(row);
    const facts = prepared.shown.filter((name) => typeof row[name] === 'number');
    const shown = Object.fromEntries(facts.map((name) => [name, row[name] as number]));
    progress.update(row.step, shown);
    if (context.verbose && row.step % config.logging_steps === 0) context.log(JSON.stringify(row));
  };
  const save = async ({ step, tokens }: LoopProgress) => {
    const parameters = await trained.policy.parameters.download();
    const optimizer = await trained.trainer.optimizer.state();
    metrics.flush();
    prepared.flush?.();
    saveCheckpoint(store, { step, tokens, parameters, optimizer });
  };
  const { totalSteps } = prepared;
  const warmupSteps = config.warmup_steps || Math.ceil(config.warmup_ratio * totalSteps);
  try {
    return await run.phases.time('train', () =>
      runLoop({
        schedule: {
          type: config.lr_scheduler_type,
          learningRate: config.learning_rate,
          warmupSteps,
          totalSteps,
        },
        startStep,
        startTokens: restored?.tokens ?? 0,
        step: prepared.step,
        epochsAt: prepared.epochsAt,
        saveSteps: config.save_steps,
        ...(prepared.savePeriod !== undefined && { savePeriod: prepared.savePeriod }),
        save,
        onRow,
        signal: context.signal,
      }),
    );
  } finally {
    progress.stop();
    metrics.close();
  }
}
