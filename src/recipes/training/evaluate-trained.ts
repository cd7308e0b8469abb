/** The evaluation that a trainer runs on its own result, into its own run folder. */
import { DEFAULT_BENCHMARK, evaluationDefaults, impliedEvaluation } from '../../config/index.js';
import {
  type AnswerGrader,
  type Evaluation,
  evaluationSections,
  writeEvaluation,
} from '../../evaluate/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import type { RunFolder, Section } from '../../report/index.js';
import type { AsyncGrader } from '../../rewards/index.js';
import { counted } from '../../util/counted.js';
import { resumeKeys } from '../../util/in-use.js';
import type { RecipeContext } from '../context.js';
import { answerGrader, graderName } from '../evaluation/benchmark.js';
import {
  type EvaluateOptions,
  evaluateModel,
  type Generates,
} from '../evaluation/evaluate-model.js';
import {
  type EvaluatedModel,
  type EvaluationInputs,
  type EvaluationKeys,
  evaluationInputs,
} from '../evaluation/evaluation-inputs.js';
import { type EvaluationGraders, openEvaluationGraders } from '../evaluation/graders.js';
import { sayShortfalls } from '../evaluation/shortfalls.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { interruption, unbroken } from '../interrupt.js';
import { judgeCounts } from '../judge/counts.js';
import { checkRollouts } from '../sampling/check-rollouts.js';
import { judgeOfRewards } from './rewards-judge.js';
import type { TrainerConfig } from './trainer-config.js';

type EvalKeys = NonNullable<TrainerConfig['eval']>;

/** What evaluations read of a trainer's config. */
export type EvaluatedConfig = Pick<
  TrainerConfig,
  | ('prompt_template' | 'system_prompt' | 'chat_template_kwargs' | 'threads' | 'seed' | 'dataset')
  | ('reasoning_start' | 'reasoning_end' | 'solution_start' | 'solution_end')
  | ('judge' | 'sandbox' | 'on_error' | 'python_timeout_s' | 'python_workers')
  | ('eval' | 'eval_steps' | 'stage')
> &
  Partial<
    Pick<
      TrainerConfig,
      | ('answer_format' | 'eval_samples' | 'rewards' | 'rollout_device' | 'rollout_memory_limit')
      | 'overlong_prompts'
      | ('load_in_4bit' | 'bnb_4bit_quant_type' | 'use_bnb_nested_quant')
    >
  >;

/**
 * Keys of the trainer, with those of its `eval` over them; `eval_samples` takes rows of the training set.
 * Without a benchmark answers are graded as the trainer's rewards do; grader objects get what the trainer's do.
 */
export function evaluationKeys(config: EvaluatedConfig, own: EvalKeys): EvaluationKeys {
  const { eval_samples: held = null, rewards = [], ...trainer } = config;
  const { answer_format = evaluationDefaults.answer_format } = config;
  const { judge: endpoint, sandbox, on_error, python_timeout_s, python_workers } = config;
  const judge = own.benchmark === null ? judgeOfRewards(rewards) : null;
  const dataset = held === null ? own.dataset : { ...config.dataset, num_samples: held };
  return {
    stop: [],
    ...trainer,
    ...evaluationDefaults,
    judge: endpoint,
    sandbox,
    on_error,
    python_timeout_s,
    python_workers,
    answer_format,
    grader: judge?.grader ?? 'auto',
    ...own,
    ...rolloutsOf(config, own),
    benchmark: own.benchmark ?? judge?.benchmark ?? DEFAULT_BENCHMARK,
    dataset,
    // Rows held out of the training set are treated as those that are trained on.
    overlong: held === null ? 'error' : (config.overlong_prompts ?? 'error'),
    section: 'eval.',
  };
}

/** Where evaluations are sampled, and in how much memory of a card: as the trainer's rollouts are, unless said. */
function rolloutsOf(
  { rollout_device: device = 'auto', rollout_memory_limit: limit = null }: EvaluatedConfig,
  own: EvalKeys,
) {
  if (own.rollout_device !== null) return { rollout_device: own.rollout_device };
  return { rollout_device: device, rollout_memory_limit: own.rollout_memory_limit ?? limit };
}

/** The trainer's own judge of an answer: that of its evaluation, or of its rewards where it has none. */
export const trainerJudge = (config: EvaluatedConfig): AnswerGrader =>
  answerGrader(evaluationKeys(config, config.eval ?? impliedEvaluation()));

const gradedBy = (keys: EvaluationKeys): string =>
  keys.grader_file === null ? `as ${graderName(keys)}` : `by ${keys.grader_file}`;

/** What the evaluations of a training run need, read and opened before it. */
export interface TrainedEvaluation {
  readonly inputs: EvaluationInputs;
  /** Of the evaluations while training; null where there are none. */
  readonly graders: EvaluationGraders | null;
}

/** @throws InputError or SetupError, by the names of the keys, where the evaluation could not be sampled here */
export function checkEvaluationRollouts(config: EvaluatedConfig, spec: DecoderSpec): void {
  if (config.eval === null) return;
  checkRollouts(evaluationKeys(config, config.eval), spec, 'eval.');
}

/**
 * Null: the config asks for no evaluation. What is wrong with its grader is so said before anything is written; where
 * nothing is evaluated while training, the grader is closed again, and leaves its memory to training.
 */
export async function openTrainedEvaluation(
  config: EvaluatedConfig,
  source: EvaluatedModel,
  context: RecipeContext,
): Promise<TrainedEvaluation | null> {
  if (config.eval === null) return null;
  const keys = evaluationKeys(config, config.eval);
  const inputs = await evaluationInputs(source, keys, context);
  context.log(
    `evaluation: ${counted(inputs.rows.length, 'row')}, answers graded ${gradedBy(keys)}`,
  );
  const graders = await openEvaluationGraders(keys, unbroken(context));
  if (config.eval_steps !== null) return { inputs, graders };
  await graders.close();
  return { inputs, graders: null };
}

/** What writes the completions of an evaluation: a sampler, or one in front of it, as completions of training are. */
export type EvaluationWriter = (
  sampler: Generates,
  options: Pick<EvaluateOptions, 'keys' | 'inputs'>,
) => Generates;

interface EvaluateTrainedOptions {
  readonly config: EvaluatedConfig;
  readonly inputs: EvaluationInputs | null;
  /** The trainer's own rewards. */
  readonly rewards: AsyncGrader | null;
  readonly context: RecipeContext;
}

export interface EvaluatedRun {
  /** Of the run's page. */
  readonly sections: readonly Section[];
  /** Metrics, and counts of the judges. */
  readonly results: Readonly<Record<string, number | null>>;
}

interface SavedModelOptions extends EvaluateTrainedOptions {
  readonly writer: EvaluationWriter | undefined;
  /** The base that was trained on, with what it keeps in 4 bits for samplers. */
  readonly base: Pick<ModelSource, 'weights'>;
}

/** The evaluation of the model in the run folder. @returns null when the config asks for none. */
export async function evaluateTrained(
  run: RunFolder,
  options: SavedModelOptions,
): Promise<EvaluatedRun | null> {
  const { writer = (sampler) => sampler, context, config, base } = options;
  const { log } = context;
  if (options.inputs === null) return null;
  const {
    load_in_4bit = false,
    bnb_4bit_quant_type = 'nf4',
    use_bnb_nested_quant = false,
  } = config;
  const asTrained = { load_in_4bit, bnb_4bit_quant_type, use_bnb_nested_quant };
  const opened = await openModel({ model: run.paths.model, ...asTrained }, context);
  const source = opened.adapter === null ? opened : { ...opened, weights: base.weights };
  try {
    const place = {
      saved: run.paths.model,
      sample: (own: EvaluateOptions) =>
        evaluateModel(source, { ...own, log, wrap: (sampler) => writer(sampler, own) }),
    };
    return await evaluatedRun(run, { ...options, ...place });
  } finally {
    opened.close();
  }
}

interface SampledOptions extends EvaluateTrainedOptions {
  /** Where the trained model is. */
  readonly saved: string;
  readonly sample: (options: EvaluateOptions) => Promise<Evaluation>;
}

/**
 * Evaluates by `sample`, into the run folder.
 * @returns null when the config asks for no evaluation. @throws InterruptError on the signal.
 */
export async function evaluatedRun(
  run: RunFolder,
  { config, inputs, rewards, context, saved, sample }: SampledOptions,
): Promise<EvaluatedRun | null> {
  if (config.eval === null || inputs === null) return null;
  const keys = evaluationKeys(config, config.eval);
  try {
    const { signal } = context;
    const graders = await openEvaluationGraders(keys, context);
    try {
      const evaluation = await run.phases.time('evaluate', () =>
        sample({ keys, inputs, graders, rewards, signal }),
      );
      const { stage, output_file: outputFile } = config.eval;
      const facts = judgeCounts(graders.stats(), 'judge_');
      sayShortfalls(evaluation, context);
      const written = { stage: stage ?? config.stage, evaluation, outputFile, facts };
      const sections = evaluationSections(evaluation, writeEvaluation(run, written));
      return { sections, results: { ...evaluation.metrics, ...facts } };
    } finally {
      await graders.close();
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw interruption(context.signal, {
      problem: `stopped during the evaluation; the trained model is in ${saved}`,
      remedy: `Evaluate it with ${resumeKeys(run.dir)}`,
    });
  }
}
