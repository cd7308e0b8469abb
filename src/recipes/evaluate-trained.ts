/** The evaluation that a trainer runs on its own result, into its own run folder. */
import { DEFAULT_BENCHMARK, evaluationDefaults, impliedEvaluation } from '../config/index.js';
import { type AnswerGrader, type Evaluation, writeEvaluation } from '../evaluate/index.js';
import type { RunFolder } from '../report/index.js';
import type { AsyncGrader } from '../rewards/index.js';
import { answerGrader, graderName } from './benchmark.js';
import type { RecipeContext } from './context.js';
import {
  type EvaluationInputs,
  type EvaluationKeys,
  evaluateModel,
  evaluationInputs,
} from './evaluate-model.js';
import { interruption } from './interrupt.js';
import { type ModelSource, openModel } from './model-source.js';
import type { TrainerConfig } from './policy-source.js';
import { judgeOfRewards } from './rewards-judge.js';

type EvalKeys = NonNullable<TrainerConfig['eval']>;

/**
 * Keys of the trainer, with those of its `eval` over them; `eval_samples` takes rows of the training set.
 * Without a benchmark answers are graded as the trainer's rewards do.
 */
export function evaluationKeys(config: TrainerConfig, own: EvalKeys): EvaluationKeys {
  const { eval_samples: held = null, rewards = [], ...trainer } = config;
  const { answer_format = evaluationDefaults.answer_format } = config;
  const dataset = held === null ? own.dataset : { ...config.dataset, num_samples: held };
  return {
    stop: [],
    ...trainer,
    ...evaluationDefaults,
    answer_format,
    grader: own.benchmark === null ? (judgeOfRewards(rewards) ?? 'auto') : 'auto',
    ...own,
    benchmark: own.benchmark ?? DEFAULT_BENCHMARK,
    dataset,
  };
}

/** The trainer's own judge of an answer: that of its evaluation, or of its rewards where it has none. */
export const trainerJudge = (config: TrainerConfig): AnswerGrader =>
  answerGrader(evaluationKeys(config, config.eval ?? impliedEvaluation()));

/** Rows of the evaluation that the config asks for, read before training; null: it asks for none. */
export async function trainedEvaluationInputs(
  config: TrainerConfig,
  source: ModelSource,
  context: RecipeContext,
): Promise<EvaluationInputs | null> {
  if (config.eval === null) return null;
  const keys = evaluationKeys(config, config.eval);
  const inputs = await evaluationInputs(source, keys, context);
  context.log(`evaluation: ${inputs.rows.length} rows, answers graded as ${graderName(keys)}`);
  return inputs;
}

interface EvaluateTrainedOptions {
  readonly config: TrainerConfig;
  readonly inputs: EvaluationInputs | null;
  /** The trainer's own rewards. */
  readonly rewards: AsyncGrader | null;
  readonly context: RecipeContext;
}

/** @returns null when the config asks for none. @throws InterruptError on the signal. */
export async function evaluateTrained(
  run: RunFolder,
  { config, inputs, rewards, context }: EvaluateTrainedOptions,
): Promise<Evaluation | null> {
  if (config.eval === null || inputs === null) return null;
  const keys = evaluationKeys(config, config.eval);
  const source = await openModel({ model: run.paths.model }, context);
  try {
    const { signal } = context;
    const evaluation = await run.phases.time('evaluate', () =>
      evaluateModel(source, { keys, inputs, rewards, signal }),
    );
    const { stage, output_file: outputFile } = config.eval;
    writeEvaluation(run, { stage: stage ?? config.stage, evaluation, outputFile });
    return evaluation;
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw interruption(context.signal, {
      problem: `stopped during the evaluation; the trained model is in ${run.paths.model}`,
      remedy: 'Evaluate it with resume=auto',
    });
  } finally {
    source.close();
  }
}
