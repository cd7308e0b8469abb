/**
 * Grades of short texts, such as diagnoses: exact (case and all), fuzzy (RapidFuzz's `token_set_ratio`
 * after `default_process`, of 1), and both combined, .85 fuzzy and .15 exact.
 */
import {
  type AnswerTags,
  DEFAULT_TAGS,
  defaultProcess,
  FUZZ_SCORERS,
  followsFormat,
  parseResponse,
} from '../rewards/index.js';
import type { AnswerGrader } from './answer-grade.js';

export type TextGraderName = 'exact' | 'fuzzy' | 'combined';

/** Score of a text against the gold one, 0 to 1. */
export const TEXT_SCORERS = {
  exact: (text, gold) => (text === gold ? 1 : 0),
  fuzzy: (text, gold) =>
    FUZZ_SCORERS.token_set_ratio(defaultProcess(text), defaultProcess(gold)) / 100,
  combined: (text, gold): number =>
    0.85 * TEXT_SCORERS.fuzzy(text, gold) + 0.15 * TEXT_SCORERS.exact(text, gold),
} as const satisfies Record<TextGraderName, (text: string, gold: string) => number>;

/**
 * `score` is that of what stands between the solution tags, else of the whole response; `correct`
 * (strict, tags only) and `flexible_correct` want the full score.
 */
export function textGrader(
  name: TextGraderName,
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
