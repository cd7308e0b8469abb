/**
 * A response read by its four tags: `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>`.
 * All four are configurable; reading is total and linear in the length of the text.
 */
import { type AnswerTags, DEFAULT_TAGS } from '../util/answer-tags.js';
import { InputError } from '../util/errors.js';

/** @throws InputError when a tag is empty or part of another, so that it could not be told apart. */
export function checkTags(tags: AnswerTags): void {
  const all = Object.values(tags) as string[];
  for (const [i, tag] of all.entries()) {
    if (all.every((other, j) => i === j || (tag !== '' && !other.includes(tag)))) continue;
    throw new InputError({
      where: 'tags',
      problem: `"${tag}" is empty or part of another tag`,
      remedy: 'Give four tags that do not contain each other',
    });
  }
}

export interface Response {
  /** Trimmed text between the reasoning tags; null when empty, or when they do not stand once each. */
  readonly reasoning: string | null;
  /** Trimmed text between the solution tags; null when empty, or when they do not stand once each. */
  readonly solution: string | null;
  /** All four stand once each, in order. */
  readonly inOrder: boolean;
}

export function parseResponse(text: string, tags: AnswerTags = DEFAULT_TAGS): Response {
  const names = [tags.reasoningStart, tags.reasoningEnd, tags.solutionStart, tags.solutionEnd];
  const places = names.map((tag) => onlyPlace(text, tag));
  const inOrder = places.every((at, i) => at >= 0 && at > (places[i - 1] ?? -1));
  const behind = (first: number): string | null => {
    const [start, end] = [places[first]! + names[first]!.length, places[first + 1]!];
    if (places[first]! < 0 || end < start) return null;
    return text.slice(start, end).trim() || null;
  };
  return { reasoning: behind(0), solution: behind(2), inOrder };
}

/** Index of `tag` when it stands exactly once, else -1. */
function onlyPlace(text: string, tag: string): number {
  const at = text.indexOf(tag);
  return at >= 0 && text.indexOf(tag, at + tag.length) < 0 ? at : -1;
}
