/** Reasoning traces: the first correct attempt at a problem, or else the data set's own solution. */
import {
  goldOf,
  numbersEqual,
  parseResponse,
  type RewardRow,
  reasoningOf,
} from '../rewards/index.js';
import { type AnswerTags, DEFAULT_TAGS } from '../util/answer-tags.js';
import { InputError } from '../util/errors.js';

/** A row of the traces file, in GSM8K's form: `answer` is `<reasoning>\n\n#### N`. */
export interface TraceRow {
  readonly question: string;
  readonly answer: string;
}

/** What became of one problem. Keys are those of the attempts file beside the traces. */
export interface TraceOutcome {
  readonly index: number;
  readonly solved: boolean;
  /** Attempts made; the last one is the correct one when `solved`. */
  readonly attempts: number;
  /** Of everything that the attempts depend on, weights too. */
  readonly request_hash: string;
}

/** Keys are those of `<file>.stats.json`. */
export interface TraceStats {
  readonly total_samples: number;
  readonly grpo_successes: number;
  readonly fallback_count: number;
  /** grpo_successes / total_samples */
  readonly success_rate: number;
  /** Attempts up to and with the correct one; null when there are no successes. */
  readonly avg_attempts_for_successes: number | null;
  readonly avg_attempts_overall: number;
}

export interface TraceProblem {
  readonly question: string;
  /** Gold answer as text. */
  readonly gold: string;
  /** The data set's own worked solution. */
  readonly reasoning: string;
}

/** @throws InputError when the row lacks a question, a gold answer or a worked solution */
export function traceProblem(row: RewardRow, where: string): TraceProblem {
  const { question } = row;
  const gold = goldOf(row);
  const reasoning = reasoningOf(row);
  if (typeof question === 'string' && gold !== null && reasoning !== null) {
    return { question, gold, reasoning };
  }
  throw new InputError({
    where,
    problem: 'a problem needs a question, an answer and a worked solution',
    remedy: 'Give rows with answer "<solution>\\n#### N", or with reasoning and answer',
  });
}

/** The reasoning of a completion whose answer is right; null when it is wrong or has none. */
export function correctReasoning(
  completion: string,
  { gold }: TraceProblem,
  tags: AnswerTags = DEFAULT_TAGS,
): string | null {
  const { reasoning, solution } = parseResponse(completion, tags);
  return solution !== null && numbersEqual(solution, gold) ? reasoning : null;
}

/** @param reasoning of the correct attempt; null falls back to the problem's own solution */
export function traceRow(problem: TraceProblem, reasoning: string | null): TraceRow {
  const { question, gold } = problem;
  return { question, answer: `${reasoning ?? problem.reasoning}\n\n#### ${gold}` };
}

/** @throws InputError of no outcomes: shares of nothing are not numbers */
export function traceStats(outcomes: readonly TraceOutcome[]): TraceStats {
  const total = outcomes.length;
  if (total === 0) throw new InputError({ where: 'traces', problem: 'there are no problems' });
  const solved = outcomes.filter((outcome) => outcome.solved);
  const attempts = (list: readonly TraceOutcome[]) =>
    list.reduce((sum, outcome) => sum + outcome.attempts, 0);
  return {
    total_samples: total,
    grpo_successes: solved.length,
    fallback_count: total - solved.length,
    success_rate: solved.length / total,
    avg_attempts_for_successes: solved.length === 0 ? null : attempts(solved) / solved.length,
    avg_attempts_overall: attempts(outcomes) / total,
  };
}
