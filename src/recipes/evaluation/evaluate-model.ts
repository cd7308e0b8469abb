/** An evaluation in two parts: its rows, read and checked before anything is written, and the sampling. */
import { type EvalConfig, type evaluationDefaults, samplesOf } from '../../config/index.js';
import {
  type AnswerGrader,
  cellOf,
  type Evaluation,
  evaluate,
  mergeRuns,
} from '../../evaluate/index.js';
import type { LoraPlan } from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { withProgress } from '../../report/index.js';
import type { AsyncGrader } from '../../rewards/index.js';
import type { Completion, RolloutSampler, Sampler } from '../../rollout/index.js';
import type { PythonSandbox } from '../../sandbox/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type JsonRow, sha256 } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { loadDataset } from '../inputs/dataset.js';
import type { ModelSource } from '../inputs/model-source.js';
import {
  longestPrompt,
  type OverlongPrompts,
  type PromptedRow,
  promptRows,
  sayOverlong,
} from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';
import { openSampler } from '../sampling/open-sampler.js';
import { resolveRollouts } from '../sampling/rollout-engine.js';
import { samplingParams } from '../sampling/sampling-params.js';
import { answerGrader, benchmarkFilter, benchmarkGroups, benchmarkRows } from './benchmark.js';
import { loadShots, withShots } from './few-shot.js';
import type { EvaluationGraders } from './graders.js';
import { checkStrategy, contextOf } from './strategy.js';
import { strategyCompleter } from './strategy-completer.js';

/** What an evaluation reads of a config: `eval` has all of it, a trainer's `eval` key most. */
export type EvaluationKeys = Pick<
  EvalConfig,
  | keyof typeof evaluationDefaults
  | 'prompt_template'
  | 'system_prompt'
  | 'chat_template_kwargs'
  | 'benchmark'
  | 'dataset'
  | 'batch_size'
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'max_new_tokens'
  | 'stop'
  | 'threads'
  | ('rollout_device' | 'rollout_precision' | 'rollout_memory_limit')
  | 'seed'
  | 'reasoning_start'
  | 'reasoning_end'
  | 'solution_start'
  | 'solution_end'
> & {
  /** Before the names of keys in errors: `eval.` in a trainer. */
  readonly section?: string;
  /** What becomes of prompts that leave no room; default `error`. */
  readonly overlong?: OverlongPrompts;
};

export interface EvaluationInputs {
  readonly rows: readonly JsonRow[];
  /** One for each row. */
  readonly prompts: readonly PromptedRow[];
  readonly grade: AnswerGrader;
  /** Columns of the tables of accuracy. */
  readonly groups: readonly string[];
  /** SHA-256 of the prompts' token ids: equal hashes were asked the same. */
  readonly promptHash: string;
  readonly tokenizer: Tokenizer;
  /** Longest sequence of the model. */
  readonly maxPositions: number;
}

/** What prompts are made by. */
export interface EvaluatedModel {
  readonly tokenizer: Tokenizer;
  readonly spec: Pick<DecoderSpec, 'maxPositions'>;
}

/** @throws InputError on an unknown benchmark, bad tags, malformed rows, or a prompt without room. */
export async function evaluationInputs(
  { tokenizer, spec }: EvaluatedModel,
  keys: EvaluationKeys,
  context: RecipeContext,
): Promise<EvaluationInputs> {
  const { seed, overlong = 'error' } = keys;
  checkStrategy(keys);
  const grade = answerGrader(keys);
  const only = benchmarkFilter(keys);
  const { rows, where } = await loadDataset(benchmarkRows(keys), { seed, context, only });
  const shots = await loadShots(keys, context);
  const asked =
    shots.length === 0
      ? rows
      : rows.map((row, i) => withShots(row, { shots, keys, where: where(i) }));
  const hasOwnTemplate = shots.length === 0;
  const prompts = promptRows(tokenizer, asked, {
    render: (index) => {
      const { promptTemplate, systemPrompt, ...options } = renderOptions(keys, where(index));
      const isWritten = !hasOwnTemplate && promptTemplate !== undefined;
      return isWritten ? options : { ...options, promptTemplate, systemPrompt };
    },
    context: spec.maxPositions,
    completion: keys.max_new_tokens,
    completionKey: `${keys.section ?? ''}max_new_tokens`,
    overlong,
  });
  if (overlong !== 'error') {
    sayOverlong(prompts, { rows: rows.length, what: 'evaluation', log: context.log });
  }
  const left = new Set(prompts.map(({ row }) => row));
  const promptHash = sha256(JSON.stringify(prompts.map(({ promptIds }) => promptIds)));
  const { maxPositions } = spec;
  return {
    rows: rows.filter((_, i) => left.has(asked[i]!)),
    prompts,
    grade,
    groups: benchmarkGroups(keys),
    promptHash,
    tokenizer,
    maxPositions,
  };
}

/** What samples, and the weights it samples from. */
export type Generates = Pick<Sampler, 'generate' | 'adapterHash'>;

export interface EvaluateOptions {
  readonly keys: EvaluationKeys;
  readonly inputs: EvaluationInputs;
  /** A grader object, and rewards from outside; absent: the answer grader alone. */
  readonly graders?: EvaluationGraders | null;
  /** Rewards of a trainer, recorded beside the grade. */
  readonly rewards?: AsyncGrader | null;
  /** Runs the code of `tir`. */
  readonly sandbox?: PythonSandbox | null;
  /** Ends the evaluation without a result. */
  readonly signal?: AbortSignal;
}

interface SamplerOptions extends Pick<EvaluateOptions, 'keys' | 'inputs'> {
  readonly lora?: LoraPlan | null;
  readonly log: RecipeContext['log'];
}

/** A sampler of the size that the evaluation needs. */
export function evaluationSampler(
  source: ModelSource,
  { keys, inputs, lora, log }: SamplerOptions,
): Promise<RolloutSampler> {
  const longest = longestPrompt(inputs.prompts);
  const context = Math.min(contextOf(keys, longest), source.spec.maxPositions);
  return openSampler(source, {
    ...resolveRollouts(keys, log),
    threads: keys.threads,
    maxBatch: keys.batch_size,
    maxPromptLength: Math.max(longest, context - keys.max_new_tokens),
    maxNewTokens: keys.max_new_tokens,
    ...(lora && { loraModules: [...lora.targets.keys()], replaced: lora.replaced }),
  });
}

/** Whether a strategy writes the completions; a budget is kept by one. */
const isStrategic = ({ strategy, token_budget: tokens, time_budget: time }: EvaluationKeys) =>
  strategy !== 'greedy' || tokens !== null || time !== null;

/** Samples and grades; nothing is written. @throws the signal's reason when it is aborted. */
export function evaluateWith(
  sampler: Generates,
  options: EvaluateOptions & { readonly onCompletion?: (completion: Completion) => void },
): Promise<Evaluation> {
  const { keys, inputs, signal, onCompletion, graders = null, rewards } = options;
  const { rows, prompts, grade, groups } = inputs;
  const params = samplingParams(keys, keys.max_new_tokens);
  const common = {
    rows,
    grade,
    groups,
    passAt: keys.pass_at,
    majorityAt: keys.majority_at,
    ...(rewards && { rewards }),
    ...(graders?.judge && { judge: graders.judge }),
    ...(graders?.rewards && { rewards: graders.rewards }),
    ...(signal && { signal }),
  };
  if (isStrategic(keys)) {
    return evaluate({ ...common, ...strategyCompleter(sampler, { ...options, params }) });
  }
  return evaluate({
    ...common,
    samples: keys.num_generations,
    complete: (items, { samples }) =>
      sampler.generate(
        items.map(({ id, index }) => ({ id, promptIds: prompts[index]!.promptIds, n: samples })),
        params,
        { signal, onCompletion },
      ),
  });
}

interface RunsOptions extends EvaluateOptions {
  readonly runs?: number;
  /** Puts a sampler in front of that of a run, numbered from 1. */
  readonly wrap?: (sampler: Generates, run: number) => Generates;
}

/** The same with a progress bar, in `runs` runs with seeds of their own. */
export function evaluateRuns(sampler: Generates, options: RunsOptions): Promise<Evaluation> {
  const { keys, inputs, runs = 1, wrap = (own) => own } = options;
  const samples = isStrategic(keys) ? samplesOf(keys) : keys.num_generations;
  const total = inputs.rows.length * samples * runs;
  return withProgress({ label: 'evaluation', total }, async (progress) => {
    let done = 0;
    const onCompletion = ({ finishReason }: Completion) => {
      if (finishReason !== 'aborted') progress.update(Math.min(++done, total));
    };
    const evaluations: Evaluation[] = [];
    for (let run = 1; run <= runs; run++) {
      const own = { ...options, keys: { ...keys, seed: keys.seed + run - 1 }, onCompletion };
      evaluations.push(await evaluateWith(wrap(sampler, run), own));
    }
    return mergeRuns(evaluations, {
      samples: keys.strategy === 'greedy' ? keys.num_generations : 1,
      passAt: keys.pass_at,
      majorityAt: keys.majority_at,
      groups: inputs.groups,
      columnOf: ({ index }, column) => cellOf(inputs.rows[index], column),
    });
  });
}

/** The same on a model as it was opened. */
export async function evaluateModel(
  source: ModelSource,
  options: RunsOptions & Pick<RecipeContext, 'log'>,
): Promise<Evaluation> {
  const sampler = await evaluationSampler(source, options);
  try {
    return await evaluateRuns(sampler, options);
  } finally {
    sampler.dispose();
  }
}
