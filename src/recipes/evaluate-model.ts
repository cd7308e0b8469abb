/** An evaluation in two parts: its rows, read and checked before anything is written, and the sampling. */
import type { EvalConfig } from '../config/index.js';
import { type AnswerGrader, type Evaluation, evaluate, numericGrader } from '../evaluate/index.js';
import { withProgress } from '../report/index.js';
import type { Completion, OnnxSampler, Sampler } from '../rollout/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { loadDataset, renderOptions, tagsOf } from './dataset.js';
import { type PromptedRow, promptRows } from './graded-rollouts.js';
import type { ModelSource } from './model-source.js';
import { openSampler, samplingParams } from './sampling.js';

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

export interface EvaluationInputs {
  readonly rows: readonly JsonRow[];
  /** One for each row. */
  readonly prompts: readonly PromptedRow[];
  readonly grade: AnswerGrader;
}

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

/** @throws InputError on an unknown benchmark, bad tags, malformed rows, or a prompt without room. */
export async function evaluationInputs(
  { tokenizer, spec }: Pick<ModelSource, 'tokenizer' | 'spec'>,
  keys: EvaluationKeys,
  context: RecipeContext,
): Promise<EvaluationInputs> {
  const { seed } = keys;
  const grade = numericGrader({ tags: tagsOf(keys) });
  const { rows, where } = await loadDataset(benchmarkRows(keys), { seed, context });
  const prompts = promptRows(tokenizer, rows, {
    render: (index) => renderOptions(keys, where(index)),
    context: spec.maxPositions,
    completion: keys.max_new_tokens,
  });
  return { rows, prompts, grade };
}

export interface EvaluateOptions {
  readonly keys: EvaluationKeys;
  readonly inputs: EvaluationInputs;
  /** Ends the evaluation without a result. */
  readonly signal?: AbortSignal;
}

/** A sampler of the size that the evaluation needs. */
export function evaluationSampler(
  source: ModelSource,
  options: Pick<EvaluateOptions, 'keys' | 'inputs'> & { readonly loraModules?: readonly string[] },
): Promise<OnnxSampler> {
  const { keys, inputs, loraModules } = options;
  return openSampler(source, {
    threads: keys.threads,
    maxBatch: keys.batch_size,
    maxPromptLength: Math.max(...inputs.prompts.map(({ promptIds }) => promptIds.length)),
    maxNewTokens: keys.max_new_tokens,
    ...(loraModules !== undefined && { loraModules }),
  });
}

/** Samples and grades; nothing is written. @throws the signal's reason when it is aborted. */
export function evaluateWith(
  sampler: Sampler,
  options: EvaluateOptions & { readonly onCompletion?: (completion: Completion) => void },
): Promise<Evaluation> {
  const { keys, inputs, signal, onCompletion } = options;
  const { rows, prompts, grade } = inputs;
  const params = samplingParams(keys, keys.max_new_tokens);
  return evaluate({
    rows: rows.map((row, index) => ({ ...row, id: String(index) })),
    grade,
    ...(signal && { signal }),
    complete: (items, { samples }) =>
      sampler.generate(
        items.map(({ id, index }) => ({ id, promptIds: prompts[index]!.promptIds, n: samples })),
        params,
        { signal, onCompletion },
      ),
  });
}

/** The same on a model as it was opened, with a progress bar. */
export async function evaluateModel(
  source: ModelSource,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const sampler = await evaluationSampler(source, options);
  const total = options.inputs.rows.length;
  try {
    return await withProgress({ label: 'evaluation', total }, (progress) => {
      let done = 0;
      const onCompletion = ({ finishReason }: Completion) => {
        if (finishReason !== 'aborted') progress.update(++done);
      };
      return evaluateWith(sampler, { ...options, onCompletion });
    });
  } finally {
    sampler.dispose();
  }
}
