/** The self-check of a data set and a grader: the reference solution earns the full score. */
import { DEFAULT_TAGS, taggedAnswer } from '../util/answer-tags.js';
import { goldOf } from './correctness.js';
import { goldReasoning } from './extract.js';
import { reaches } from './graders/outcome.js';
import type { Grader } from './registry.js';
import type { RewardRow } from './reward.js';

/**
 * A row's own solution in tags: of `answer: "<solution>\n#### N"`, or of `reasoning` and `answer`.
 * Null when the row has no solution.
 */
export function referenceCompletion(row: RewardRow): string | null {
  const answer = goldOf(row);
  const reasoning = reasoningOf(row);
  if (answer === null || reasoning === null) return null;
  return taggedAnswer(DEFAULT_TAGS, { reasoning, answer });
}

/** Worked solution of a row: its `reasoning`, else what stands before `####`; null when there is none. */
export function reasoningOf({ answer: value, reasoning: given }: RewardRow): string | null {
  const own = typeof given === 'string' ? given.trim() : '';
  const reasoning = own === '' && typeof value === 'string' ? goldReasoning(value) : own;
  return reasoning === '' ? null : reasoning;
}

export interface GoldCheck {
  readonly checked: number;
  /** Index and total of each row whose reference earns less than `fullScore`; null: not gradable. */
  readonly failures: readonly { readonly index: number; readonly total: number | null }[];
}

/** Grades each row's reference. `render` gives its completion, null when the row has none. */
export function checkGold(
  rows: readonly RewardRow[],
  {
    grade,
    fullScore,
    render,
  }: {
    readonly grade: Grader;
    readonly fullScore: number;
    readonly render: (row: RewardRow) => string | null;
  },
): GoldCheck {
  const failures: { index: number; total: number | null }[] = [];
  for (const [index, row] of rows.entries()) {
    const text = render(row);
    const total = text === null ? null : grade(text, row).total;
    if (total === null || !reaches(total, fullScore)) failures.push({ index, total });
  }
  return { checked: rows.length, failures };
}
