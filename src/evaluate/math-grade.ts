/** Grades mathematical answers by equivalence, strictly by a mark and flexibly by any announcement. */
import {
  extractAnswer,
  followsFormat,
  goldOf,
  mathEquivalent,
  parseResponse,
  type RewardRow,
} from '../rewards/index.js';
import { type AnswerTags, DEFAULT_TAGS } from '../util/answer-tags.js';
import type { AnswerGrader } from './answer-grade.js';

/**
 * Strict: the solution tags, else the last `\boxed{}`, else `####`. Flexible: also what follows "the
 * answer is", else the last number. A row's `precision` is the absolute tolerance of its gold answer.
 */
export function mathGrader({
  tags = DEFAULT_TAGS,
}: {
  readonly tags?: AnswerTags;
} = {}): AnswerGrader {
  return (completion, row) => {
    const gold = goldOf(row);
    const response = parseResponse(completion, tags);
    const answer = response.solution ?? marked(completion, 'strict');
    const flexible = response.solution ?? marked(completion, 'flexible');
    const options = precisionOf(row);
    const judge = (given: string | null) =>
      gold === null ? null : given !== null && mathEquivalent({ gold, prediction: given }, options);
    const correct = judge(answer);
    return {
      gold,
      answer,
      correct,
      flexible_answer: flexible,
      flexible_correct: flexible === answer ? correct : judge(flexible),
      reasoning: response.reasoning,
      has_reasoning: response.reasoning !== null,
      has_answer: answer !== null,
      format_ok: followsFormat(response) || (response.solution === null && answer !== null),
    };
  };
}

function marked(completion: string, mode: 'strict' | 'flexible'): string | null {
  return extractAnswer(completion, { mode })?.answer ?? null;
}

function precisionOf({ precision }: RewardRow): { precision: number } | Record<string, never> {
  const value = Number(precision ?? 0);
  return Number.isFinite(value) && value > 0 ? { precision: value } : {};
}
