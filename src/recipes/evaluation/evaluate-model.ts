/** An evaluation: completions of a model for what is asked, graded. */
import { samplesOf } from '../../config/index.js';
import { cellOf, type Evaluation, evaluate, mergeRuns } from '../../evaluate/index.js';
import type { LoraPlan } from '../../model/index.js';
import { withProgress } from '../../report/index.js';
import type { AsyncGrader } from '../../rewards/index.js';
import type { Completion, RolloutSampler, Sampler } from '../../rollout/index.js';
import type { PythonSandbox } from '../../sandbox/index.js';
import type { RecipeContext } from '../context.js';
import type { ModelSource } from '../inputs/model-source.js';
import { longestPrompt } from '../inputs/prompted-rows.js';
import { openKeyedSampler } from '../sampling/keyed-sampler.js';
import { samplingParams } from '../sampling/sampling-params.js';
import type { EvaluationInputs, EvaluationKeys } from './evaluation-inputs.js';
import type { EvaluationGraders } from './graders.js';
import { contextOf } from './strategy.js';
import { strategyCompleter } from './strategy-completer.js';

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
  return openKeyedSampler(source, keys, {
    log,
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
