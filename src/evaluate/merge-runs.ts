/** Several runs of one evaluation as one: each completion a sample, with the number of its run. */
import type { EvalRow } from './eval-row.js';
import type { Evaluation } from './evaluate.js';
import { type GroupTable, groupTables } from './group-tables.js';
import { evalMetrics } from './metrics.js';

export interface MergeOptions {
  /** Completions for each example in one run. */
  readonly samples: number;
  readonly passAt: readonly number[];
  readonly majorityAt: readonly number[];
  readonly groups: readonly string[];
  readonly columnOf: (row: EvalRow, column: string) => unknown;
}

/** Rows in order of example, run, sample; a table says how the runs differ. One run stays as it is. */
export function mergeRuns(
  evaluations: readonly Evaluation[],
  { samples, passAt, majorityAt, groups, columnOf }: MergeOptions,
): Evaluation {
  const [only] = evaluations;
  if (evaluations.length === 1 && only !== undefined) return only;
  const rows = evaluations
    .flatMap((evaluation, i) =>
      evaluation.rows.map((row) => ({
        ...row,
        run: i + 1,
        sample_index: row.sample_index + i * samples,
      })),
    )
    .sort((a, b) => a.index - b.index || a.sample_index - b.sample_index);
  const tables: readonly GroupTable[] = groupTables(rows, {
    columns: ['run', ...groups],
    columnOf: (row, column) => (column === 'run' ? row.run : columnOf(row, column)),
  });
  const all = { samples: samples * evaluations.length, passAt, majorityAt };
  const seconds = evaluations.reduce((sum, { metrics }) => sum + metrics.seconds, 0);
  return { rows, tables, metrics: { ...evalMetrics(rows, all), seconds } };
}
