/** `lorikeet eval`: a benchmark on a model, with a row for each completion and metrics with intervals. */
import { join } from 'node:path';
import { type EvalConfig, resolvedYaml } from '../config/index.js';
import {
  type EvalMetrics,
  type Evaluation,
  evaluate,
  numericGrader,
  writeEvaluation,
} from '../evaluate/index.js';
import {
  makeRunId,
  openRun,
  type RunFolder,
  readRun,
  runReport,
  type Section,
  startProgress,
  writeReport,
} from '../report/index.js';
import { InputError } from '../util/errors.js';
import type { RecipeContext } from './context.js';
import { loadDataset, renderOptions, tagsOf } from './dataset.js';
import { promptRows } from './graded-rollouts.js';
import { type ModelSource, openModel } from './model-source.js';
import { openSampler, samplingParams } from './sampling.js';

/** Metrics as in the file, and where the run lies. */
export type EvalResult = EvalMetrics & { readonly run_dir: string };

/** What an evaluation reads of a config: `eval` has all of it, a trainer's `eval` key most. */
export type EvaluationKeys = Pick<
  EvalConfig,
  | 'prompt_template'
  | 'system_prompt'
  | 'benchmark'
  | 'dataset'
  | 'batch_size'
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'max_new_tokens'
  | 'stop'
  | 'threads'
  | 'seed'
  | 'reasoning_start'
  | 'reasoning_end'
  | 'solution_start'
  | 'solution_end'
>;

/** Benchmarks whose answers are numbers between the tags. */
const NUMERIC_BENCHMARKS = ['gsm8k', 'gsm8k-platinum', 'arithmetic'];

/** The benchmark's own rows, unless the config names others. */
function benchmarkRows({ benchmark, dataset }: EvaluationKeys): EvaluationKeys['dataset'] {
  if (dataset.name !== null || dataset.path !== null) return dataset;
  if (NUMERIC_BENCHMARKS.includes(benchmark)) return { ...dataset, name: benchmark };
  throw new InputError({
    where: 'benchmark',
    problem: `"${benchmark}" is not known`,
    remedy: `Known are ${NUMERIC_BENCHMARKS.join(', ')}; or give dataset=NAME or dataset.path=FILE`,
  });
}

/** Samples and grades; nothing is written. */
export async function evaluateModel(
  source: ModelSource,
  keys: EvaluationKeys,
  context: RecipeContext,
): Promise<Evaluation> {
  const { seed } = keys;
  const { rows, where } = await loadDataset(benchmarkRows(keys), { seed, context });
  const prompts = promptRows(source.tokenizer, rows, {
    render: (index) => renderOptions(keys, where(index)),
    maxPromptLength: source.spec.maxPositions - keys.max_new_tokens,
  });
  const sampler = await openSampler(source, {
    threads: keys.threads,
    maxBatch: keys.batch_size,
    maxPromptLength: Math.max(...prompts.map(({ promptIds }) => promptIds.length)),
    maxNewTokens: keys.max_new_tokens,
  });
  const progress = startProgress({ label: 'evaluation', total: prompts.length });
  let done = 0;
  try {
    return await evaluate({
      rows: rows.map((row, index) => ({ ...row, id: String(index) })),
      grade: numericGrader({ tags: tagsOf(keys) }),
      signal: context.signal,
      complete: (items, { samples, signal }) =>
        sampler.generate(
          items.map(({ id, index }) => ({
            id,
            promptIds: prompts[index]!.promptIds,
            n: samples,
          })),
          samplingParams(keys, keys.max_new_tokens),
          { signal, onCompletion: () => progress.update(++done) },
        ),
    });
  } finally {
    progress.stop();
    sampler.dispose();
  }
}

export async function runEval(config: EvalConfig, context: RecipeContext): Promise<EvalResult> {
  const source = await openModel(config, context);
  try {
    const run = openEvalRun(config);
    try {
      const evaluation = await run.phases.time('evaluate', () =>
        evaluateModel(source, config, context),
      );
      const { stage, output_file: outputFile } = config;
      const files = writeEvaluation(run, { stage, evaluation, outputFile });
      run.record({ results: { ...evaluation.metrics } });
      run.close('done');
      writeReport(run.paths.report, runReport(readRun(run.dir), [metricsTable(evaluation)]));
      context.log(
        `${stage}: ${evaluation.metrics.correct} of ${evaluation.rows.length} correct, ${files.csv}`,
      );
      return { ...evaluation.metrics, run_dir: run.dir };
    } finally {
      run.close(context.signal.aborted ? 'interrupted' : 'failed');
    }
  } finally {
    source.close();
  }
}

function openEvalRun(config: EvalConfig): RunFolder {
  const text = resolvedYaml(config);
  const runId = makeRunId(text);
  const dir = config.output_dir ?? join('outputs', config.run_name ?? runId);
  return openRun(dir, {
    overwrite: config.overwrite,
    config: { text, values: config },
    command: 'eval',
    stage: config.stage,
    runId,
    seeds: { seed: config.seed },
  });
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
