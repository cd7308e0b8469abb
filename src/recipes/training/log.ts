/**
 * What a training run says while it runs: metrics.jsonl, the trackers, sample tables of its evaluations, the
 * progress bar and the console.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EvalRow } from '../../evaluate/index.js';
import {
  formatCell,
  type MetricRow,
  openRowLog,
  openTrackers,
  RUN_NAMES,
  type RunFolder,
  type RunStatus,
  startProgress,
  type TrackerName,
  writeTable,
} from '../../report/index.js';
import { namesIn } from '../../util/names-in.js';
import { prefixed } from '../../util/prefixed.js';
import type { RecipeContext } from '../context.js';
import type { TrainerConfig } from './trainer-config.js';

export interface TrainingLog {
  /** One optimizer step. */
  row(row: MetricRow): void;
  /** Metrics of a step's evaluation that a resumed run repeats; those that its row has already stay. */
  repeated(metrics: MetricRow): void;
  /** Completions of the evaluation after a step. */
  samples(step: number, rows: readonly EvalRow[]): void;
  /** Numbers of the evaluation after training. */
  results(step: number, metrics: Readonly<Record<string, unknown>>): void;
  /** Makes the rows so far survive a power cut. */
  flush(): void;
  /** Training is over: the bar goes. */
  trained(): void;
  /** Waits until the trackers have everything. Further calls do nothing. */
  close(status: Exclude<RunStatus, 'running'>): Promise<void>;
}

export interface TrainingLogOptions {
  readonly run: RunFolder;
  /** What trains, for the progress bar. */
  readonly command: string;
  readonly config: ReportedConfig;
  readonly context: RecipeContext;
  /** Step of the checkpoint that is gone on from; null in a fresh run. */
  readonly resumeStep: number | null;
  readonly totalSteps: number;
  /** Metrics shown behind the progress bar. */
  readonly shown: readonly string[];
}

/** What is reported, where, and under which names. */
type ReportedConfig = Pick<
  TrainerConfig,
  | 'report_to'
  | 'wandb_project'
  | 'wandb_name'
  | 'logging_dir'
  | 'logging_steps'
  | 'verbose'
  | 'run_name'
  | 'stage'
  | 'stop_at_accuracy'
  | 'early_stopping_patience'
>;

type TrackerKeys = Pick<ReportedConfig, 'report_to' | 'wandb_project'>;

const namedTrackers = ({ report_to: names }: TrackerKeys): TrackerName[] =>
  [names].flat().filter((name) => name !== 'none');

/** Trackers that a config names; a project of Weights & Biases names that one. */
export function trackerNames(config: TrackerKeys): TrackerName[] {
  const names = namedTrackers(config);
  if (config.wandb_project === null || names.includes('wandb')) return names;
  return [...names, 'wandb'];
}

/** Says which tracker `report_to` does not name. */
export function logImpliedTracker(config: TrackerKeys, { log }: Pick<RecipeContext, 'log'>): void {
  if (trackerNames(config).length === namedTrackers(config).length) return;
  log(`wandb_project=${config.wandb_project} adds wandb to report_to`);
}

/** @throws SetupError or RunError when a tracker refuses the run. */
export async function openTrainingLog(options: TrainingLogOptions): Promise<TrainingLog> {
  const { run, command, config, context, resumeStep, totalSteps } = options;
  const metrics = openRowLog<MetricRow>(run.paths.metrics, { resumeStep });
  if (run.isResumed) dropSamples(run, { after: resumeStep ?? 0 });
  let isOutdated = run.isResumed;
  const trackers = await openTrackers({
    names: trackerNames(config),
    env: process.env,
    run: {
      runId: run.runId,
      dir: run.dir,
      name: config.wandb_name ?? config.run_name ?? run.runId,
      config,
      startStep: resumeStep ?? (run.isResumed ? 0 : null),
    },
    eventDir: config.logging_dir ?? run.paths.tensorboard,
    wandbProject: config.wandb_project,
    log: context.log,
  }).catch((error: unknown) => {
    metrics.close();
    throw error;
  });
  const label = config.stage === command ? command : `${command} (stage ${config.stage})`;
  const { stop_at_accuracy: target, early_stopping_patience: patience } = config;
  const mayEndEarly = target !== null || patience !== null;
  const bar = startProgress({ label, total: totalSteps, from: resumeStep ?? 0, mayEndEarly });
  const laps = run.phases.laps();
  const isVerbose = context.verbose || config.verbose;
  return {
    row(step) {
      if (isOutdated) run.dropResults();
      isOutdated = false;
      const row = { ...step, ...laps() };
      metrics.append({ ...row, wall_time: Date.now() / 1000 });
      bar.update(row.step, shownFacts(row, options.shown));
      if (!isReported(row, { every: config.logging_steps, last: totalSteps })) return;
      trackers.log(row);
      if (isVerbose) context.log(verboseLine(row, totalSteps));
    },
    repeated(row) {
      // What it took is no part of the next step.
      laps();
      if (!metrics.complete(row)) return;
      trackers.log(row);
      if (isVerbose) context.log(verboseLine(row, totalSteps));
    },
    samples(step, rows) {
      const name = `eval/samples_step_${step}`;
      const table = rows.map((row) => ({ ...tableRow(row) }));
      writeTable(run.claim(join(RUN_NAMES.evaluations, `samples_step_${step}.csv`)), table);
      const header = Object.keys(table[0] ?? {}) as (keyof (typeof table)[number])[];
      const cells = table.map((row) => header.map((key) => row[key]));
      trackers.table({ name, step, header, rows: cells });
    },
    results(step, values) {
      const numbers = Object.entries(values).flatMap(([name, value]) =>
        typeof value === 'number' ? [[name, value] as const] : [],
      );
      trackers.log({ step, ...prefixed('test/', Object.fromEntries(numbers)) });
    },
    flush: () => metrics.flush(),
    trained: () => bar.stop(),
    async close(status) {
      bar.stop();
      metrics.close();
      await trackers.finish(status);
    },
  };
}

/** Deletes the completions of evaluations after steps that are taken again. */
function dropSamples({ paths }: RunFolder, { after }: { readonly after: number }): void {
  const folder = paths.evaluations;
  for (const name of namesIn(folder)) {
    const [, step] = /^samples_step_(\d+)\.csv$/.exec(name) ?? [];
    if (Number(step ?? 0) > after) rmSync(join(folder, name));
  }
}

function shownFacts(row: MetricRow, names: readonly string[]): Record<string, number> {
  const facts = names.filter((name) => typeof row[name] === 'number');
  return Object.fromEntries(facts.map((name) => [name, row[name] as number]));
}

/** Every so many steps, the last one, and each that was evaluated. */
function isReported(
  row: MetricRow,
  { every, last }: { readonly every: number; readonly last: number },
): boolean {
  const isEvaluated = Object.keys(row).some((name) => name.startsWith('eval/'));
  return row.step % every === 0 || row.step === last || isEvaluated;
}

function verboseLine({ step, ...row }: MetricRow, total: number): string {
  const cells = Object.entries(row).map(([name, value]) => `${name} ${formatCell(value)}`);
  return [`step ${step}/${total}`, ...cells].join('  ');
}

const tableRow = (row: EvalRow) => ({
  question: row.question,
  gold: row.gold,
  completion: row.completion,
  answer: row.answer,
  correct: row.correct,
  finish_reason: row.finish_reason,
  tokens: row.tokens,
});
