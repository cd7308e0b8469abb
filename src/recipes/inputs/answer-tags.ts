/** The four tags of an answer: the keys that name them, and an answer written in them. */
import { type AnswerTags, checkTags } from '../../rewards/index.js';

export interface TagKeys {
  readonly reasoning_start: string;
  readonly reasoning_end: string;
  readonly solution_start: string;
  readonly solution_end: string;
}

/** @throws InputError when a tag is part of another. */
export function tagsOf(keys: TagKeys): AnswerTags {
  const tags = {
    reasoningStart: keys.reasoning_start,
    reasoningEnd: keys.reasoning_end,
    solutionStart: keys.solution_start,
    solutionEnd: keys.solution_end,
  };
  checkTags(tags);
  return tags;
}

/** `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>` */
export const taggedAnswer = (tags: AnswerTags, reasoning: string, answer: string): string =>
  `${tags.reasoningStart}${reasoning}${tags.reasoningEnd}${tags.solutionStart}${answer}${tags.solutionEnd}`;
