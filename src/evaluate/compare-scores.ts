/** Paired comparison of the mean scores of two evaluations, where their graders give parts of the score. */
import { groupBy } from '../util/group.js';
import { mean } from '../util/numbers.js';
import { differenceInterval } from './paired.js';
import { completionOf, exampleOf, type KeyedRow } from './row-key.js';

export interface ScoreComparison {
  readonly score_a: number;
  readonly score_b: number;
  /** b − a, with its 95% interval over examples. */
  readonly score_difference: number;
  readonly score_difference_low: number;
  readonly score_difference_high: number;
}

/** Rows are paired as in `compareEvaluations`. Null where no pair has scores. */
export function compareScores(
  rowsA: readonly KeyedRow[],
  rowsB: readonly KeyedRow[],
): ScoreComparison | null {
  const scoresB = new Map(rowsB.map((row) => [completionOf(row), scoreOf(row)]));
  const pairs = rowsA.flatMap((row) => {
    const [a, b] = [scoreOf(row), scoresB.get(completionOf(row)) ?? null];
    return a === null || b === null ? [] : [{ example: exampleOf(row), a, b }];
  });
  if (pairs.length === 0) return null;
  const examples = [...groupBy(pairs, ({ example }) => example).values()];
  const differences = examples.map((own) => mean(own.map(({ a, b }) => b - a))!);
  const range = rangeOf(pairs.flatMap(({ a, b }) => [a, b]));
  const { low, high } = differenceInterval(differences, range);
  return {
    score_a: mean(examples.map((own) => mean(own.map(({ a }) => a))!))!,
    score_b: mean(examples.map((own) => mean(own.map(({ b }) => b))!))!,
    score_difference: mean(differences)!,
    score_difference_low: low,
    score_difference_high: high,
  };
}

function scoreOf({ score }: KeyedRow): number | null {
  const value = score === undefined || score === null || score === '' ? Number.NaN : Number(score);
  return Number.isFinite(value) ? value : null;
}

/** From the lowest to the highest score there can be: 0 to 1, or as far as there are any. */
const rangeOf = (scores: readonly number[]): number =>
  scores.reduce((most, score) => Math.max(most, score), 1) -
  scores.reduce((least, score) => Math.min(least, score), 0);
