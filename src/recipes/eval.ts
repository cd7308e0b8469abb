/** `lorikeet eval`: a benchmark on a model, with a row for each completion and metrics with intervals. */
import { join } from 'node:path';
import { type EvalConfig, evalSchema, inputPaths, resolvedYaml } from '../config/index.js';
import { type EvalMetrics, type Evaluation, writeEvaluation } from '../evaluate/index.js';
import {
  checkRun,
  makeRunId,
  type OpenRunOptions,
  openRun,
  type RunFolder,
  readRun,
  runReport,
  type Section,
  writeReport,
} from '../report/index.js';
import type { RecipeContext } from './context.js';
import { evaluateModel, evaluationInputs } from './evaluate-model.js';
import { interruption } from './interrupt.js';
import { type ModelSource, openModel } from './model-source.js';

/** Metrics as in the file, and where the run lies. */
export type EvalResult = EvalMetrics & { readonly run_dir: string };

export async function runEval(config: EvalConfig, context: RecipeContext): Promise<EvalResult> {
  const { dir, options } = runOf(config);
  checkRun(dir, options);
  const source = await openModel(config, context);
  try {
    const inputs = await evaluationInputs(source, config, context);
    const reads = [...(options.reads ?? []), source.baseDir];
    const run = openRun(dir, { ...options, reads });
    try {
      return await evaluateIn(run, { config, source, inputs, context });
    } catch (error) {
      if (!context.signal.aborted) throw error;
      throw interruption(context.signal, {
        problem: `stopped during the evaluation; ${run.dir} holds no result`,
        remedy: 'Give overwrite=true to start it again',
      });
    } finally {
      run.close(context.signal.aborted ? 'interrupted' : 'failed');
    }
  } finally {
    source.close();
  }
}

function runOf(config: EvalConfig): { readonly dir: string; readonly options: OpenRunOptions } {
  const text = resolvedYaml(config);
  const runId = makeRunId(text);
  return {
    dir: config.output_dir ?? join('outputs', config.run_name ?? runId),
    options: {
      overwrite: config.overwrite,
      reads: inputPaths(evalSchema, config),
      config: { text, values: config },
      command: 'eval',
      stage: config.stage,
      runId,
      seeds: { seed: config.seed },
    },
  };
}

interface EvalArgs {
  readonly config: EvalConfig;
  readonly source: ModelSource;
  readonly inputs: Awaited<ReturnType<typeof evaluationInputs>>;
  readonly context: RecipeContext;
}

async function evaluateIn(
  run: RunFolder,
  { config, source, inputs, context }: EvalArgs,
): Promise<EvalResult> {
  const { signal } = context;
  const evaluation = await run.phases.time('evaluate', () =>
    evaluateModel(source, { keys: config, inputs, signal }),
  );
  const { stage, output_file: outputFile } = config;
  const files = writeEvaluation(run, { stage, evaluation, outputFile });
  run.record({ results: { ...evaluation.metrics } });
  run.close('done');
  writeReport(run.paths.report, runReport(readRun(run.dir), [metricsTable(evaluation)]));
  const { correct } = evaluation.metrics;
  const count = evaluation.rows.length;
  context.log(`${stage}: ${correct} of ${count} correct, ${files.output ?? files.csv}`);
  return { ...evaluation.metrics, run_dir: run.dir };
}

/** Metrics for the report page. */
export function metricsTable({ metrics }: Evaluation): Section {
  return {
    type: 'table',
    title: 'Evaluation',
    header: ['metric', 'value'],
    rows: Object.entries(metrics),
  };
}
