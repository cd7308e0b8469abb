/**
 * `lorikeet predict`: answers of a model to rows for reinforcement fine-tuning, in several runs, each kept in a
 * file; every grader's scores of each run, and their mean, in files of their own.
 */
import type { PredictConfig } from '../config/index.js';
import { percent } from '../report/index.js';
import type { AsyncGrader, Grade } from '../rewards/index.js';
import { type JsonRow, writeJson, writeJsonl } from '../util/files.js';
import { mean } from '../util/numbers.js';
import type { RecipeContext } from './context.js';
import { whileLocked } from './outputs/output-lock.js';
import { type Prediction, predictionsOf } from './predict/make-predictions.js';
import {
  allRunsFile,
  checkInput,
  gradedFile,
  predictionFiles,
  predictionsStem,
} from './predict/prediction-files.js';
import { openRewards } from './rewards/open-rewards.js';

export interface RunMetrics {
  readonly total_samples: number;
  /** Mean score of the predictions that have one; null where none has. */
  readonly accuracy: number | null;
  /** Predictions without a score, by status. */
  readonly failed: Readonly<Record<string, number>>;
}

export interface PredictResult {
  readonly output_dir: string;
  readonly samples: number;
  /** By grader, over all runs. */
  readonly graders: Readonly<
    Record<string, { readonly accuracy: number | null; readonly runs: readonly (number | null)[] }>
  >;
}

type Passes = (score: number) => boolean;

interface Scored extends Prediction {
  /** Null where the grader failed. */
  readonly score: number | null;
  readonly status: string;
}

/** @throws InputError on rows that are missing, or predictions of something else */
export async function runPredict(
  config: PredictConfig,
  context: RecipeContext,
): Promise<PredictResult> {
  checkInput(config);
  const locking = { key: 'output_dir', beside: predictionFiles(config) };
  return await whileLocked(predictionsStem(config), () => predict(config, context), locking);
}

async function predict(config: PredictConfig, context: RecipeContext): Promise<PredictResult> {
  const openGraders = () => openRewards(config.graders, { keys: config, context });
  // What grading lacks is told before the sampling, which then has the memory that a model to judge would take.
  await (await openGraders()).close();
  const runs: (readonly Prediction[])[] = [];
  for (let run = 1; run <= config.n_runs; run++) {
    runs.push(await predictionsOf(config, run, context));
  }
  const rewards = await openGraders();
  try {
    const grades = await Promise.all(runs.map((run) => gradedRun(run, rewards.grade)));
    const graders = config.graders.map(({ name }) => {
      const scored = runs.map((run, i) =>
        run.map((each, j) => scoredBy(name, each, grades[i]![j]!)),
      );
      const passes = (score: number) => rewards.passes(name, score);
      return [name, writeScores(scored, { config, name, passes, context })] as const;
    });
    const samples = runs.reduce((sum, run) => sum + run.length, 0);
    return { output_dir: config.output_dir, samples, graders: Object.fromEntries(graders) };
  } finally {
    await rewards.close();
  }
}

const gradedRun = (run: readonly Prediction[], grade: AsyncGrader): Promise<Grade[]> =>
  Promise.all(run.map(({ model_prediction: text, input }) => grade(text, input)));

function scoredBy(name: string, prediction: Prediction, { parts }: Grade): Scored {
  const { score, status } = parts[name]!;
  return { ...prediction, score, status };
}

function writeScores(
  runs: readonly (readonly Scored[])[],
  {
    config,
    name,
    passes,
    context,
  }: { config: PredictConfig; name: string; passes: Passes; context: RecipeContext },
) {
  const accuracies = runs.map((rows, i) => {
    const metrics = metricsOf(rows);
    const at = { grader: name, run: i + 1 };
    writeJson(gradedFile(config, { ...at, kind: 'scored' }), rows);
    writeJson(gradedFile(config, { ...at, kind: 'metrics' }), metrics);
    const { accuracy: share } = metrics;
    const accuracy = share === null ? 'none, no prediction could be graded' : percent(share);
    context.log(`${name}, run ${i + 1}: accuracy ${accuracy}`);
    return metrics.accuracy;
  });
  writeJsonl(
    allRunsFile(config, name),
    runs.flatMap((rows, run) => comparedRows(rows, run, passes)),
  );
  return { accuracy: mean(known(accuracies)), runs: accuracies };
}

function metricsOf(rows: readonly Scored[]): RunMetrics {
  const failed: Record<string, number> = {};
  for (const { score, status } of rows) {
    if (score === null) failed[status] = (failed[status] ?? 0) + 1;
  }
  const accuracy = mean(known(rows.map(({ score }) => score)));
  return { total_samples: rows.length, accuracy, failed };
}

/** A run is a sample of each example. */
const comparedRows = (rows: readonly Scored[], run: number, passes: Passes): JsonRow[] =>
  rows.map(({ input, model_prediction, score, status }, index) => ({
    id: String(index),
    sample_index: run,
    question: textOf(input),
    completion: model_prediction,
    gold: input.reference_answer,
    score,
    status,
    correct: score === null ? null : passes(score),
  }));

const textOf = ({ messages }: JsonRow): string =>
  String(
    (messages as readonly { readonly content?: unknown }[] | undefined)?.at(-1)?.content ?? '',
  );

const known = (values: readonly (number | null)[]): number[] =>
  values.flatMap((each) => each ?? []);
