/**
 * Stop strings: text is decoded as tokens come, a few tokens at a time, so that a stop string is found also
 * where it runs across token borders, and where one character is spread over several tokens.
 */
import { largest } from '../../util/numbers.js';
import type { RolloutTokenizer } from '../types.js';

/** What incomplete UTF-8 decodes to. */
export const INCOMPLETE = '\uFFFD';

/** First place where one of `stops` begins in `text`, or −1. */
export function findStop(text: string, stops: readonly string[]): number {
  let first = -1;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at >= 0 && (first < 0 || at < first)) first = at;
  }
  return first;
}

/** Follows one completion. */
export class StopMatcher {
  private readonly tokenizer: RolloutTokenizer;
  private readonly stops: readonly string[];
  private readonly longest: number;
  /** Ids whose text is out already come first: they give the following ones their context. */
  private window: number[] = [];
  private settled = 0;
  private tail = '';

  constructor(tokenizer: RolloutTokenizer, stops: readonly string[]) {
    this.tokenizer = tokenizer;
    this.stops = stops;
    this.longest = largest(stops.map(({ length }) => length));
  }

  /** Takes the next id; true when a stop string is complete in the text so far. */
  push(id: number): boolean {
    this.window.push(id);
    const before = this.tokenizer.decode(this.window.slice(0, this.settled));
    const text = this.tokenizer.decode(this.window);
    const isComplete = !text.endsWith(INCOMPLETE);
    const seen = this.tail + (isComplete ? text : withoutIncomplete(text)).slice(before.length);
    if (findStop(seen, this.stops) >= 0) return true;
    if (isComplete && text.length > before.length) {
      this.tail = seen.slice(-(this.longest - 1) || seen.length);
      this.window = this.window.slice(this.settled);
      this.settled = this.window.length;
    }
    return false;
  }
}

function withoutIncomplete(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === INCOMPLETE) end--;
  return text.slice(0, end);
}

/**
 * Text of a completion without special tokens, cut before the first stop string. Where the matcher saw none there is
 * none: one that special tokens stand in, as they do not in the text, ends nothing.
 */
export function completionText(
  tokenizer: RolloutTokenizer,
  ids: readonly number[],
  stops: readonly string[],
): string {
  const text = tokenizer.decode(ids, { skipSpecialTokens: true });
  if (stops.length === 0) return text;
  const raw = tokenizer.decode(ids);
  const at = findStop(withoutIncomplete(raw), stops);
  if (at < 0) return text;
  return text.slice(0, raw === text ? at : placeInText(tokenizer, ids, at));
}

/**
 * Place in the text without special tokens of a place in the text with them: what the ids that end before it have,
 * and of the next one, where that is none of them, what comes before it.
 */
function placeInText(tokenizer: RolloutTokenizer, ids: readonly number[], at: number): number {
  const upTo = (count: number, skipSpecialTokens: boolean) =>
    tokenizer.decode(ids.slice(0, count), { skipSpecialTokens }).length;
  let count = ids.length;
  while (count > 0 && upTo(count, false) > at) count--;
  const beyond = upTo(count + 1, false) - at;
  return Math.max(upTo(count, true), upTo(count + 1, true) - beyond);
}
