/** What a grader says about one sample, and the failures that decide its status. */
import { messageOf } from '../../util/errors.js';
import { WorkLimitError } from '../work-limit.js';
import type { GraderSpec } from './spec.js';

/**
 * `skipped`: the grader does not apply to the row. `timeout`: it did not end within its limit. `error`: it
 * broke, or could not be asked.
 */
export type GradeStatus = 'ok' | 'timeout' | 'error' | 'skipped';

/** Whether there is no score because the grader broke or ran out of time. */
export const hasFailed = (status: GradeStatus): boolean =>
  status === 'error' || status === 'timeout';

export interface GraderOutcome {
  /** Null unless `ok` (or unless failures count as 0). */
  readonly score: number | null;
  readonly status: GradeStatus;
  /** Whether the score passes; absent without a `pass_threshold`. */
  readonly passed?: boolean;
  /** Why there is no score, or why it is the lowest. */
  readonly reason?: string;
  /** Scores of the parts of a `multi`. */
  readonly parts?: Readonly<Record<string, GraderOutcome>>;
}

export const scored = (score: number): GraderOutcome => ({ score, status: 'ok' });

/** Differences that a sum of parts may have from a threshold by rounding. */
const ROUNDING = 1e-9;

export const reaches = (score: number, threshold: number): boolean => score >= threshold - ROUNDING;

/** Scores from here on pass: `pass_threshold`, else the full score. Null: a reward, whose full score is 1. */
export function passThreshold(spec: GraderSpec | null): number {
  return spec?.pass_threshold ?? (spec?.type === 'score_model' ? spec.range[1] : 1);
}

export const passes = (score: number, spec: GraderSpec | null): boolean =>
  reaches(score, passThreshold(spec));

/** The sample gives a grader nothing to read, as JSON that is none: its lowest score. */
export class SampleFault extends Error {}

/** The row has a null where the grader needs a value. */
export class SkippedRow extends Error {}

/** A grader's own time limit. */
export class GradeTimeout extends Error {}

/** The outcome of anything thrown while grading. `lowest` is the grader's lowest score. */
export function failed(error: unknown, lowest: number): GraderOutcome {
  const reason = messageOf(error);
  if (error instanceof SampleFault) return { score: lowest, status: 'ok', reason };
  return { score: null, status: statusOf(error), reason };
}

function statusOf(error: unknown): GradeStatus {
  if (error instanceof SkippedRow) return 'skipped';
  if (error instanceof WorkLimitError || error instanceof GradeTimeout) return 'timeout';
  const kind = error instanceof Error && 'kind' in error ? error.kind : null;
  return kind === 'timeout' ? 'timeout' : 'error';
}
