/** Grades of short texts, such as diagnoses, by how near they are to the gold text (`TEXT_SCORERS`). */
import {
  followsFormat,
  parseResponse,
  TEXT_SCORERS,
  type TextScorerName,
} from '../rewards/index.js';
import { type AnswerTags, DEFAULT_TAGS } from '../util/answer-tags.js';
import type { AnswerGrader } from './answer-grade.js';

/**
 * `score` is that of what stands between the solution tags, else of the whole response; `correct`
 * (strict, tags only, unless `isWhole`) and `flexible_correct` want the full score.
 */
export function textGrader(
  name: TextScorerName,
  {
    tags = DEFAULT_TAGS,
    isWhole = false,
  }: {
    readonly tags?: AnswerTags;
    /** A response without tags is an answer, as where the term alone is asked for. */
    readonly isWhole?: boolean;
  } = {},
): AnswerGrader {
  const scorer = TEXT_SCORERS[name];
  return (completion, row) => {
    const value = row.answer ?? row.reference_answer ?? null;
    const gold = value === null ? null : String(value);
    const response = parseResponse(completion, tags);
    const { reasoning, solution } = response;
    const whole = solution ?? completion.trim();
    const answer = isWhole && whole !== '' ? whole : solution;
    const score = gold === null ? null : scorer(whole, gold);
    return {
      gold,
      answer,
      correct: score === null ? null : answer !== null && score === 1,
      flexible_answer: whole,
      flexible_correct: score === null ? null : score === 1,
      reasoning,
      has_reasoning: reasoning !== null,
      has_answer: answer !== null,
      format_ok: isWhole ? answer !== null : followsFormat(response),
      score,
    };
  };
}
