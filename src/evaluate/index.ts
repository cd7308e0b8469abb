/** Evaluation: graded completions, metrics with intervals, paired comparisons, and their files. */
export { type AnswerGrade, type AnswerGrader, numericGrader } from './answer-grade.js';
export {
  type ComparedRow,
  compareEvaluations,
  type EvaluationComparison,
} from './compare-evaluations.js';
export type { EvalRow } from './eval-row.js';
export {
  type Complete,
  type EvalItem,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
} from './evaluate.js';
export { type Interval, meanInterval, wilson } from './intervals.js';
export type { EvalMetrics } from './metrics.js';
export { mcnemarExact, type PairedCounts, pairedInterval } from './paired.js';
export { passAtK } from './pass-at-k.js';
export { type EvalTable, evalSummary, evalTable } from './summary.js';
export { type EvaluationFiles, writeEvaluation } from './write-evaluation.js';
