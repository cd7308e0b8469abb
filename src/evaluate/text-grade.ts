/** Grades of short texts, such as diagnoses, by how near they are to the gold text (`TEXT_SCORERS`). */
import {
  type AnswerTags,
  DEFAULT_TAGS,
  followsFormat,
  parseResponse,
  TEXT_SCORERS,
  type TextScorerName,
} from '../rewards/index.js';
import type { AnswerGrader } from './answer-grade.js';

/**
 * `score` is that of what stands between the solution tags, else of the whole response; `correct`
 * (strict, tags only) and `flexible_correct` want the full score.
 */
export function textGrader(
  name: TextScorerName,
  {
    tags = DEFAULT_TAGS,
    goldColumn = 'answer',
  }: { readonly tags?: AnswerTags; readonly goldColumn?: string } = {},
): AnswerGrader {
  const scorer = TEXT_SCORERS[name];
  return (completion, row) => {
    const value = row[goldColumn] ?? row.reference_answer ?? null;
    const gold = value === null ? null : String(value);
    const response = parseResponse(completion, tags);
    const { reasoning, solution } = response;
    const whole = solution ?? completion.trim();
    const score = gold === null ? null : scorer(whole, gold);
    return {
      gold,
      answer: solution,
      correct: score === null ? null : solution !== null && score === 1,
      flexible_answer: whole,
      flexible_correct: score === null ? null : score === 1,
      reasoning,
      has_reasoning: reasoning !== null,
      has_answer: solution !== null,
      format_ok: followsFormat(response),
      score,
    };
  };
}
