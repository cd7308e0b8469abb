/** `lorikeet eval`: a benchmark on a model, with a row for each completion and metrics with intervals. */
import { join } from 'node:path';
import type { EvalConfig } from '../config/index.js';
import {
  type EvalMetrics,
  type Evaluation,
  evaluationSections,
  writeEvaluation,
  writeResults,
} from '../evaluate/index.js';
import { checkRun, endRun, openRun, type RunFolder } from '../report/index.js';
import { closing } from '../util/close-stack.js';
import { sha256, writeJsonl } from '../util/files.js';
import { resumeKeys } from '../util/in-use.js';
import { quantizationName } from '../weights/index.js';
import type { RecipeContext } from './context.js';
import { cachedSampler } from './eval/prediction-cache.js';
import { evaluateModel } from './evaluation/evaluate-model.js';
import { evaluationInputs } from './evaluation/evaluation-inputs.js';
import { type EvaluationGraders, openEvaluationGraders } from './evaluation/graders.js';
import { sayShortfalls } from './evaluation/shortfalls.js';
import { strategySandbox } from './evaluation/strategy.js';
import { samplerFingerprint } from './inputs/base-fingerprint.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { baseIdentity } from './inputs/quantization.js';
import { interruption } from './interrupt.js';
import { judgeCounts } from './judge/counts.js';
import { inRun } from './outputs/in-run.js';
import { holdOutput } from './outputs/rows-output.js';
import { runOf } from './outputs/run-of.js';
import { noteSources } from './outputs/run-sources.js';
import { checkRollouts, checkSampling } from './sampling/check-rollouts.js';
import { rolloutIdentity } from './sampling/rollout-engine.js';

/** Metrics as in the file, and where the run lies. */
export type EvalResult = EvalMetrics &
  Readonly<Record<string, string | number | null>> & { readonly run_dir: string };

export function runEval(config: EvalConfig, caller: RecipeContext): Promise<EvalResult> {
  return closing(async (stack) => {
    const { context, sources } = noteSources(caller);
    checkSampling(config);
    const isReplaced = config.overwrite || config.resume === 'auto';
    for (const key of ['results_file', 'rows_file'] as const)
      stack.defer(holdOutput({ output: config[key], overwrite: isReplaced }, key));
    const { dir, options } = runOf('eval', config);
    checkRun(dir, options);
    const source = stack.adopt(await openModel(config, context), (own) => own.close());
    checkRollouts(config, source.spec);
    const inputs = await evaluationInputs(source, config, context);
    const reads = [...(options.reads ?? []), source.baseDir];
    const graders = stack.adopt(await openEvaluationGraders(config, context), (own) => own.close());
    const sandbox = stack.adopt(await strategySandbox(config), (own) => own?.dispose());
    context.stopsInOrder?.();
    const run = openRun(dir, { ...options, reads, sources });
    const args = { config, source, inputs, graders, sandbox, context };
    return await inRun(run, context, () =>
      evaluateIn(run, args).catch((error: unknown) => {
        throw context.signal.aborted ? stopped(run, context) : error;
      }),
    );
  });
}

const stopped = ({ dir }: RunFolder, { signal }: RecipeContext): Error =>
  interruption(signal, {
    problem: `stopped during the evaluation; ${dir} holds its predictions so far`,
    remedy: `Give ${resumeKeys(dir)} to go on`,
  });

interface EvalArgs {
  readonly config: EvalConfig;
  readonly source: ModelSource;
  readonly inputs: Awaited<ReturnType<typeof evaluationInputs>>;
  readonly graders: EvaluationGraders;
  readonly sandbox: Awaited<ReturnType<typeof strategySandbox>>;
  readonly context: RecipeContext;
}

async function evaluateIn(
  run: RunFolder,
  { config, source, inputs, graders, sandbox, context }: EvalArgs,
): Promise<EvalResult> {
  const { signal } = context;
  const { quantization } = source;
  const base = samplerFingerprint(source);
  const facts = {
    prompt_hash: inputs.promptHash,
    strategy: config.strategy,
    ...(quantization && { quantization: quantizationName(quantization) }),
  };
  const evaluation = await run.phases.time('evaluate', () =>
    evaluateModel(source, {
      keys: config,
      inputs,
      graders,
      sandbox,
      signal,
      log: context.log,
      runs: config.n_runs,
      wrap: (sampler, index) =>
        cachedSampler(sampler, {
          path: run.claim(join('predictions', `run_${index}.jsonl`)),
          key: predictionKey(
            { config, base, inputs },
            { run: index, adapter: sampler.adapterHash },
          ),
          log: context.log,
        }),
    }),
  );
  const counts = judgeCounts(graders.stats(), 'judge_');
  return finish(run, { config, evaluation, facts: { ...facts, ...counts }, context });
}

/** Hash of what the completions of a run depend on. */
function predictionKey(
  { config, base, inputs }: Pick<EvalArgs, 'config' | 'inputs'> & { readonly base: string },
  { run, adapter }: { readonly run: number; readonly adapter: string | null },
): string {
  const { temperature, top_p, top_k, max_new_tokens, stop } = config;
  const {
    strategy,
    token_budget,
    max_rounds,
    num_generations,
    strategy_samples,
    selection_tokens,
  } = config;
  const { tool_timeout_s, max_tool_output_length } = config;
  return sha256(
    JSON.stringify({
      model: [base, adapter, ...baseIdentity(config)],
      prompts: inputs.promptHash,
      seed: config.seed + run - 1,
      sampling: { temperature, top_p, top_k, max_new_tokens, stop },
      rollouts: rolloutIdentity(config),
      strategy: {
        strategy,
        strategy_samples,
        num_generations,
        token_budget,
        max_rounds,
        ...(strategy === 'genselect' && { selection_tokens }),
        ...(strategy === 'tir' && { tool_timeout_s, max_tool_output_length }),
      },
    }),
  );
}

function finish(
  run: RunFolder,
  {
    config,
    evaluation,
    facts,
    context,
  }: Pick<EvalArgs, 'config' | 'context'> & {
    readonly evaluation: Evaluation;
    readonly facts: Readonly<Record<string, string | number>>;
  },
): EvalResult {
  const { stage, output_file: outputFile } = config;
  const files = writeEvaluation(run, { stage, evaluation, outputFile, facts });
  if (config.results_file !== null) {
    const about = { model: config.model, run_dir: run.dir, run_id: run.runId };
    writeResults(config.results_file, evaluation, { ...about, ...facts });
  }
  if (config.rows_file !== null) writeJsonl(config.rows_file, evaluation.rows);
  run.record({ results: { ...evaluation.metrics, ...facts } });
  const sections = evaluationSections(evaluation, files);
  endRun(run, { status: 'done', sections, log: context.log });
  const { correct, ungraded } = evaluation.metrics;
  const count = evaluation.rows.length - ungraded;
  sayShortfalls(evaluation, context);
  context.log(`${stage}: ${correct} of ${count} correct, ${files.output ?? files.csv}`);
  return { ...evaluation.metrics, ...facts, run_dir: run.dir };
}
