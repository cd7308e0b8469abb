/** The keys that name the four tags of an answer. */
import { checkTags } from '../../rewards/index.js';
import type { AnswerTags } from '../../util/answer-tags.js';

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
