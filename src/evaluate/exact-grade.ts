/** Grades by equality of texts, case and all, as the answers stand. */
import {
  type AnswerTags,
  DEFAULT_TAGS,
  followsFormat,
  parseResponse,
  type RewardRow,
} from '../rewards/index.js';
import type { AnswerGrader } from './answer-grade.js';

/** Strict: what stands between the solution tags. Flexible: the whole response, trimmed. */
export function exactGrader({
  tags = DEFAULT_TAGS,
  goldColumn = 'answer',
}: {
  readonly tags?: AnswerTags;
  readonly goldColumn?: string;
} = {}): AnswerGrader {
  return (completion, row: RewardRow) => {
    const value = row[goldColumn];
    const gold = value === undefined || value === null ? null : String(value);
    const response = parseResponse(completion, tags);
    const { reasoning, solution } = response;
    const whole = solution ?? completion.trim();
    return {
      gold,
      answer: solution,
      correct: gold === null ? null : solution === gold,
      flexible_answer: whole,
      flexible_correct: gold === null ? null : whole === gold,
      reasoning,
      has_reasoning: reasoning !== null,
      has_answer: solution !== null,
      format_ok: followsFormat(response),
    };
  };
}
