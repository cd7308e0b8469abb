/** What `lorikeet grade` gives back, and when that means failure. */
import type { EndpointStats } from '../../endpoint/index.js';
import type { GradeStatus } from '../../rewards/index.js';
import { counted } from '../../util/counted.js';
import { RunError } from '../../util/errors.js';
import type { GoldReport } from './gold.js';
import type { StressReport } from './stress.js';

export interface GradeSummary {
  readonly rows: number;
  /** Mean of the scores there are; null when there is none. */
  readonly mean_score: number | null;
  /** Share of the judged rows that reach `pass_threshold`; null without one. */
  readonly pass_rate: number | null;
  readonly statuses: Readonly<Record<GradeStatus, number>>;
  readonly seconds: number;
  readonly output: string | null;
  readonly endpoint: EndpointStats | null;
}

/** What `validate` and `stress` found; null where it was not asked for. */
export interface GradeChecks {
  readonly gold: readonly GoldReport[] | null;
  readonly stress: StressReport | null;
}

/** @throws RunError when a reference answer does not score full. */
export function verifyGrade(result: GradeSummary | GradeChecks): void {
  if (!('gold' in result)) return;
  const failed = result.gold?.find(({ failures }) => failures > 0);
  if (failed === undefined) return;
  const { name, split, failures, rows, first } = failed;
  throw new RunError({
    where: `${name} ${split}`.trim(),
    problem: `${failures} of ${counted(rows, 'reference answer')} without the full score, first row ${first!.index + 1} (${first!.score})`,
    remedy: 'Correct the grader or the row',
  });
}
