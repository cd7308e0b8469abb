/** Paired comparison of two evaluations of the same examples. */
import { InputError } from '../util/errors.js';
import { groupBy } from '../util/group.js';
import { mean } from '../util/numbers.js';
import { differenceInterval, mcnemarExact } from './paired.js';
import { completionOf, exampleOf, isGiven, type KeyedRow } from './row-key.js';

export interface EvaluationComparison {
  /** Completions in both evaluations, with a grade in both. */
  readonly n: number;
  /** Their examples; fewer where an example has several samples. */
  readonly examples: number;
  /** Completions in one evaluation only. */
  readonly unmatched: number;
  /** Means over examples, each with the share of its samples that are right by the column. */
  readonly share_a: number;
  readonly share_b: number;
  /** b − a, with its 95% interval. */
  readonly difference: number;
  readonly difference_low: number;
  readonly difference_high: number;
  /** Examples that a (b) has right more often. */
  readonly only_a: number;
  readonly only_b: number;
  /** McNemar's exact test, two-sided; with several samples the sign test over examples. */
  readonly p_value: number;
}

/**
 * Pairs rows by `id` (or `index`, or `prompt_id`) and `sample_index` and compares who is right where. Samples of
 * one example are not independent: the interval is over examples.
 * @param column of true and false; `correct` by default
 * @throws InputError when paired rows hold different questions, a row has no name or that of another, or nothing
 *   can be paired
 */
export function compareEvaluations(
  rowsA: readonly KeyedRow[],
  rowsB: readonly KeyedRow[],
  column = 'correct',
): EvaluationComparison {
  const gradedB = gradedByKey(rowsB, column);
  const gradedA = gradedByKey(rowsA, column);
  const pairs = pairedRows(gradedA, gradedB);
  if (pairs.length === 0) {
    const problem = `the evaluations share no graded example (column ${column})`;
    throw new InputError({ where: 'compare', problem });
  }
  const n = pairs.length;
  const means = [...groupBy(pairs, ({ example }) => example).values()].map((own) => ({
    a: mean(own.map(({ a }) => a))!,
    b: mean(own.map(({ b }) => b))!,
  }));
  const differences = means.map(({ a, b }) => b - a);
  const onlyA = differences.filter((difference) => difference < 0).length;
  const onlyB = differences.filter((difference) => difference > 0).length;
  const examples = differences.length;
  const { low, high } = differenceInterval(differences);
  return {
    n,
    examples,
    unmatched: gradedA.size + gradedB.size - 2 * n,
    share_a: mean(means.map(({ a }) => a))!,
    share_b: mean(means.map(({ b }) => b))!,
    difference: mean(differences)!,
    difference_low: low,
    difference_high: high,
    only_a: onlyA,
    only_b: onlyB,
    p_value: mcnemarExact(onlyA, onlyB),
  };
}

interface PairedRow {
  readonly example: string;
  /** 1 right, 0 wrong. */
  readonly a: number;
  readonly b: number;
}

function pairedRows(
  gradedA: ReadonlyMap<string, GradedRow>,
  gradedB: ReadonlyMap<string, GradedRow>,
): PairedRow[] {
  return [...gradedA].flatMap(([key, a]) => {
    const b = gradedB.get(key);
    if (b === undefined) return [];
    if (a.asked !== b.asked) {
      throw new InputError({
        where: 'compare',
        problem: `example ${key} is another question in the other evaluation`,
        remedy: 'Compare evaluations of the same rows (same benchmark, number of samples and seed)',
      });
    }
    return [{ example: a.example, a: Number(a.isRight), b: Number(b.isRight) }];
  });
}

interface GradedRow {
  readonly example: string;
  /** The question, or what the row has in its place. */
  readonly asked: string;
  readonly isRight: boolean;
}

function gradedByKey(rows: readonly KeyedRow[], column: string): Map<string, GradedRow> {
  const graded = new Map<string, GradedRow>();
  for (const row of rows) {
    const right = isRight(row, column);
    if (right === null) continue;
    const key = completionOf(row);
    if (graded.has(key)) {
      throw new InputError({
        where: 'compare',
        problem: `two rows of one evaluation are example ${key}`,
        remedy: 'Give each completion of an example a sample_index of its own',
      });
    }
    const own = [row.question, row.prompt, row.messages].find(isGiven) ?? '';
    const asked = typeof own === 'string' ? own : JSON.stringify(own);
    graded.set(key, { example: exampleOf(row), asked, isRight: right });
  }
  return graded;
}

/** What a column of true and false says; null where it says neither. */
export function isRight(row: KeyedRow, column: string): boolean | null {
  const cell = String(row[column] ?? '');
  return cell === 'true' ? true : cell === 'false' ? false : null;
}
