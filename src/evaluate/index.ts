/** Evaluation: graded completions, metrics with intervals, paired comparisons, and their files. */
export {
  type AnswerForm,
  type AnswerGrade,
  type AnswerGrader,
  numericGrader,
} from './answer-grade.js';
export {
  BENCHMARK_NAMES,
  benchmarkOf,
  type GraderName,
  LEVEL_5,
} from './benchmarks.js';
export {
  compareEvaluations,
  type EvaluationComparison,
} from './compare-evaluations.js';
export { compareScores, type ScoreComparison } from './compare-scores.js';
export { disagreements } from './disagreements.js';
export type { EvalRow, StrategyFacts } from './eval-row.js';
export {
  type Complete,
  type Evaluation,
  evaluate,
  questionOf,
} from './evaluate.js';
export { evaluationSections } from './evaluation-sections.js';
export { factorizationGrader } from './factorization-grade.js';
export { cellOf, type GroupTable } from './group-tables.js';
export { wilson, withInterval } from './intervals.js';
export { type AnswerJudge, answerJudge } from './judged-grade.js';
export { answerGroups } from './majority.js';
export { mathGrader } from './math-grade.js';
export { mergeRuns } from './merge-runs.js';
export type { EvalMetrics } from './metrics.js';
export { mcnemarExact } from './paired.js';
export { passAtK } from './pass-at-k.js';
export { openPredictions, promptHashOf } from './predictions.js';
export { writeResults } from './results-file.js';
export type { KeyedRow } from './row-key.js';
export type { CodeCompletion } from './strategies/code-draft.js';
export { writeWithCode } from './strategies/code-rounds.js';
export { selectionPrompt } from './strategies/selection-prompt.js';
export { solveAll } from './strategies/solve.js';
export type {
  CodeExecutor,
  CodeSession,
  Problem,
  Solution,
  StrategyOptions,
  Writer,
} from './strategies/types.js';
export { textGrader } from './text-grade.js';
export { writeEvaluation } from './write-evaluation.js';
