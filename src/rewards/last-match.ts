/** What stands last in a text of any length; linear in it. */

/** @param pattern Global */
export function lastMatch(text: string, pattern: RegExp): RegExpExecArray | null {
  let last: RegExpExecArray | null = null;
  for (const match of text.matchAll(pattern)) last = match;
  return last;
}

/** The text behind the last match; null where there is none. */
export function behindLast(text: string, pattern: RegExp): string | null {
  const last = lastMatch(text, pattern);
  return last === null ? null : text.slice(last.index + last[0].length);
}
