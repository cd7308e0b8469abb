/** Paired comparison of two evaluations of the same examples. */
import { InputError } from '../util/errors.js';
import { mcnemarExact, pairedInterval } from './paired.js';

/** What a comparison needs of a row; rows of a CSV file have `correct` as text. */
export interface ComparedRow {
  readonly id?: unknown;
  readonly index?: unknown;
  readonly sample_index?: unknown;
  readonly question?: unknown;
  readonly correct?: unknown;
}

export interface EvaluationComparison {
  /** Examples in both evaluations, with a grade in both. */
  readonly n: number;
  /** Examples in one evaluation only. */
  readonly unmatched: number;
  readonly accuracy_a: number;
  readonly accuracy_b: number;
  /** b − a, with its 95% interval. */
  readonly difference: number;
  readonly difference_low: number;
  readonly difference_high: number;
  readonly only_a: number;
  readonly only_b: number;
  /** McNemar's exact test, two-sided. */
  readonly p_value: number;
}

/**
 * Pairs rows by `id` (or `index`) and `sample_index` and compares who is right where.
 * @throws InputError when paired rows hold different questions, or nothing can be paired
 */
export function compareEvaluations(
  rowsA: readonly ComparedRow[],
  rowsB: readonly ComparedRow[],
): EvaluationComparison {
  const gradedB = gradedByKey(rowsB);
  const gradedA = gradedByKey(rowsA);
  let [both, onlyA, onlyB, n] = [0, 0, 0, 0];
  for (const [key, a] of gradedA) {
    const b = gradedB.get(key);
    if (b === undefined) continue;
    if (a.question !== b.question) {
      throw new InputError({
        where: 'compare',
        problem: `example ${key} is another question in the other evaluation`,
        remedy: 'Compare evaluations of the same rows (same benchmark, number of samples and seed)',
      });
    }
    n += 1;
    if (a.isRight && b.isRight) both += 1;
    else if (a.isRight) onlyA += 1;
    else if (b.isRight) onlyB += 1;
  }
  if (n === 0) {
    throw new InputError({ where: 'compare', problem: 'the evaluations share no graded example' });
  }
  const { low, high } = pairedInterval({ n, onlyA, onlyB });
  return {
    n,
    unmatched: gradedA.size + gradedB.size - 2 * n,
    accuracy_a: (both + onlyA) / n,
    accuracy_b: (both + onlyB) / n,
    difference: (onlyB - onlyA) / n,
    difference_low: low,
    difference_high: high,
    only_a: onlyA,
    only_b: onlyB,
    p_value: mcnemarExact(onlyA, onlyB),
  };
}

interface GradedRow {
  readonly question: string;
  readonly isRight: boolean;
}

function gradedByKey(rows: readonly ComparedRow[]): Map<string, GradedRow> {
  const graded = new Map<string, GradedRow>();
  for (const row of rows) {
    const correct = String(row.correct ?? '');
    if (correct !== 'true' && correct !== 'false') continue;
    const key = `${row.id ?? row.index}/${row.sample_index ?? 0}`;
    graded.set(key, { question: String(row.question ?? ''), isRight: correct === 'true' });
  }
  return graded;
}
