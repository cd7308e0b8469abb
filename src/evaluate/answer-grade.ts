/** How one response is judged: the answer in tags, the last number, and the form. */
import {
  extractBoxed,
  flexibleAnswer,
  followsFormat,
  goldOf,
  numbersEqual,
  parseNumber,
  parseResponse,
  type RewardRow,
  strictAnswer,
} from '../rewards/index.js';
import { type AnswerTags, DEFAULT_TAGS } from '../util/answer-tags.js';

export interface AnswerGrade {
  /** Gold answer as text; null when the row has none. */
  readonly gold: string | null;
  /** Answer between the solution tags, as written. */
  readonly answer: string | null;
  /** Null when there is no gold answer to judge by. */
  readonly correct: boolean | null;
  /** Last number of the response, wherever it stands. */
  readonly flexible_answer: string | null;
  readonly flexible_correct: boolean | null;
  readonly reasoning: string | null;
  readonly has_reasoning: boolean;
  readonly has_answer: boolean;
  readonly format_ok: boolean;
  /** Share of the full score, 0 to 1, of graders that give parts; null without a gold answer. */
  readonly score?: number | null;
  /** Scores that make up `score`, by name. */
  readonly parts?: Readonly<Record<string, number | null>>;
}

/** How an answer is marked in a response. */
export type AnswerForm = 'tags' | 'boxed' | 'hashes';

const STRICT = { boxed: extractBoxed, hashes: strictAnswer } as const;

export type AnswerGrader = (completion: string, row: RewardRow) => AnswerGrade;

/**
 * Grades numeric answers: strictly by what stands between the solution tags (or in another `form`), and
 * flexibly by the last number (as lm-evaluation-harness). `has_reasoning` is about the tags only.
 */
export function numericGrader({
  tags = DEFAULT_TAGS,
  form = 'tags',
}: {
  readonly tags?: AnswerTags;
  /** Where the strict answer stands: in the solution tags, the last box, or behind `####`. */
  readonly form?: AnswerForm;
} = {}): AnswerGrader {
  return (completion, row) => {
    const gold = goldOf(row);
    const response = parseResponse(completion, tags);
    const { reasoning, solution } = response;
    const answer = form === 'tags' ? solution : STRICT[form](completion);
    const last = flexibleAnswer(completion);
    const canGrade = gold !== null && parseNumber(gold) !== null;
    const judge = (answer: string | null) =>
      canGrade ? answer !== null && numbersEqual(answer, gold) : null;
    return {
      gold,
      answer,
      correct: judge(answer),
      flexible_answer: last,
      flexible_correct: judge(last),
      reasoning,
      has_reasoning: reasoning !== null,
      has_answer: answer !== null,
      format_ok: form === 'tags' ? followsFormat(response) : answer !== null,
    };
  };
}
