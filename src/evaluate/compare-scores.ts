/** Paired comparison of the mean scores of two evaluations, where their graders give parts of the score. */
import { groupBy } from '../util/group.js';
import { meanInterval } from './intervals.js';

export interface ScoreComparison {
  readonly score_a: number;
  readonly score_b: number;
  /** b − a, with its 95% interval over examples. */
  readonly score_difference: number;
  readonly score_difference_low: number;
  readonly score_difference_high: number;
}

/** A row; of a CSV file the score is text. */
type ScoredRow = Readonly<Record<string, unknown>>;

/** Rows are paired by `id` (or `index`) and `sample_index`. Null where no pair has scores. */
export function compareScores(
  rowsA: readonly ScoredRow[],
  rowsB: readonly ScoredRow[],
): ScoreComparison | null {
  const scoresB = new Map(rowsB.map((row) => [keyOf(row), scoreOf(row)]));
  const pairs = rowsA.flatMap((row) => {
    const [a, b] = [scoreOf(row), scoresB.get(keyOf(row)) ?? null];
    return a === null || b === null ? [] : [{ example: exampleOf(row), a, b }];
  });
  if (pairs.length === 0) return null;
  const examples = [...groupBy(pairs, ({ example }) => example).values()];
  const differences = examples.map((own) => meanOf(own.map(({ a, b }) => b - a)));
  const { low, high } = meanInterval(differences, { bounds: { low: -1, high: 1 } });
  return {
    score_a: meanOf(examples.map((own) => meanOf(own.map(({ a }) => a)))),
    score_b: meanOf(examples.map((own) => meanOf(own.map(({ b }) => b)))),
    score_difference: meanOf(differences),
    score_difference_low: low,
    score_difference_high: high,
  };
}

const exampleOf = ({ id, index }: ScoredRow): string => String(id ?? index);
const keyOf = (row: ScoredRow): string => `${exampleOf(row)}/${row.sample_index ?? 0}`;

function scoreOf({ score }: ScoredRow): number | null {
  const value = score === undefined || score === null || score === '' ? Number.NaN : Number(score);
  return Number.isFinite(value) ? value : null;
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
