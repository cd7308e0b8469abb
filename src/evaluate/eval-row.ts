/** One completion of an evaluation with everything decided about it. Keys are those of the files. */
import type { GradeStatus } from '../rewards/index.js';
import type { AnswerGrade } from './answer-grade.js';

export interface EvalRow extends AnswerGrade {
  readonly index: number;
  /** The row's own `id`; its index where a row has none or two have the same. */
  readonly id: string;
  readonly sample_index: number;
  /** Number of the run, from 1, where an evaluation has several. */
  readonly run?: number;
  readonly question: string;
  readonly completion: string;
  /** Of a grader object, and why there is no score or the lowest. */
  readonly status?: GradeStatus;
  readonly reason?: string;
  /** Weighted sum of the rewards; null when none were asked for, or the sample cannot be graded. */
  readonly reward: number | null;
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly statuses: Readonly<Record<string, string>>;
  /** Why a reward gave no score; absent where all gave one. */
  readonly reasons?: Readonly<Record<string, string>>;
  readonly finish_reason: string;
  readonly truncated: boolean;
  /** Sampled tokens, the end token included. */
  readonly tokens: number;
  readonly logprob_mean: number | null;
  readonly adapter: string | null;
  readonly seconds: number;
  /** Of a completion that could use tools: calls, those that failed, and tokens of their outputs. */
  readonly tool_calls?: number;
  readonly tool_failures?: number;
  readonly tool_tokens?: number;
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
