/** One completion of an evaluation with everything decided about it. Keys are those of the files. */
import type { CompletionColumns } from '../report/index.js';
import type { GradeStatus } from '../rewards/index.js';
import type { AnswerGrade } from './answer-grade.js';

export interface EvalRow extends AnswerGrade, CompletionColumns {
  readonly index: number;
  /** The row's own `id`; its index where a row has none or two have the same. */
  readonly id: string;
  /** Number of the run, from 1, where an evaluation has several. */
  readonly run?: number;
  readonly question: string;
  /** Of a grader object, and why there is no score or the lowest. */
  readonly status?: GradeStatus;
  readonly reason?: string;
  readonly truncated: boolean;
  /** Of a strategy that tries several solutions. */
  readonly strategy?: StrategyFacts;
}

/** By the answer between the tags, and by the last number of the response. */
export const isCorrect = ({ correct }: AnswerGrade): boolean => correct === true;
export const isFlexiblyCorrect = ({ flexible_correct }: AnswerGrade): boolean =>
  flexible_correct === true;

export interface StrategyFacts {
  readonly candidates: number;
  /** Share of the winning answer among all weights. */
  readonly agreement: number | null;
  /** New tokens of all candidates and selections. */
  readonly tokens: number;
  readonly stopped: string;
  readonly executions: number;
  readonly failed_executions: number;
  readonly selections: number;
  readonly invalid_selections: number;
}
