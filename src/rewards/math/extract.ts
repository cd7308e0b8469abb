/**
 * The answer in a completion. Strict extraction wants a mark: `\boxed{}`, tags, or `####`. Flexible
 * extraction goes on to "the answer is …" and at last to the last number. Both say which mark it was,
 * so that their scores can stand side by side. Each is linear in the length of the text.
 */
import { extractBoxed } from '../../util/boxed.js';
import { behindLast, lastMatch } from '../last-match.js';

type ExtractionMethod = 'boxed' | 'tags' | 'hashes' | 'phrase' | 'number';

export interface Extraction {
  readonly answer: string;
  readonly method: ExtractionMethod;
}

export interface ExtractionOptions {
  /** `strict`: marks only. `flexible` (the default): also a phrase, or the last number. */
  readonly mode?: 'strict' | 'flexible';
}

const TAGS = { open: '<answer>', close: '</answer>' };
/**
 * A phrase that announces the answer, which ends with its sentence or line; or a heading "Final answer" above a line
 * that begins with mathematics, not with prose.
 */
const PHRASE =
  /\b(?:(?:final )?answer(?: to [^.:\n]{1,80})?(?: is|:| =)|answer:)\**\s*:?\s*\**\s*|^[#*_ ]*(?:final )?answer[*_ ]*\n+(?=[$\\\d]|[-+][.\d\\])/gim;
const PHRASE_LENGTH = 400;
/** Mathematics set apart, on lines of its own. */
const DISPLAY = /^(?:\\\[([\s\S]*?)\\\]|\$\$([\s\S]*?)\$\$)/;
const NUMBER = /-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:\s?\/\s?\d+(?![\d.]))?%?|-?\.\d+/g;

/**
 * The answer by the first of these that the text has: the last box, the last pair of tags, what
 * follows the last `####`, then (flexible) what follows the last "answer is", the last number.
 * Null when there is none.
 */
export function extractAnswer(text: string, options: ExtractionOptions = {}): Extraction | null {
  const { mode = 'flexible' } = options;
  const readers: readonly (readonly [ExtractionMethod, (text: string) => string | null])[] = [
    ['boxed', extractBoxed],
    ['tags', extractTagged],
    ['hashes', extractHashes],
    ['phrase', extractPhrase],
    ['number', extractLastNumber],
  ];
  for (const [method, read] of mode === 'strict' ? readers.slice(0, 3) : readers) {
    const answer = read(text);
    if (answer !== null && answer !== '') return { answer, method };
  }
  return null;
}

/** Trimmed text of the last complete pair of tags, or null. */
export function extractTagged(text: string): string | null {
  const { open, close } = TAGS;
  const end = text.lastIndexOf(close);
  const start = end < 0 ? -1 : text.lastIndexOf(open, end - 1);
  return start < 0 || start + open.length > end
    ? null
    : text.slice(start + open.length, end).trim();
}

/** The rest of the line after the last `####` that heads no section in words; or null. */
export function extractHashes(text: string): string | null {
  const end = text.trimEnd().length;
  let answer: string | null = null;
  for (const { 0: line, index } of text.matchAll(/####[^\n]*/g)) {
    const rest = line.slice(line.lastIndexOf('####') + 4).trim();
    const isHeading = /^[*_]*\p{L}{3}/u.test(rest) && index + line.length < end;
    if (!isHeading) answer = rest;
  }
  return answer;
}

/** What follows the last "answer is", "answer:" or heading: mathematics set apart, or its sentence; or null. */
export function extractPhrase(text: string): string | null {
  const rest = behindLast(text, PHRASE)?.slice(0, PHRASE_LENGTH);
  if (rest === undefined) return null;
  const [, inBrackets, inDollars] = DISPLAY.exec(rest) ?? [];
  const display = inBrackets ?? inDollars;
  if (display !== undefined) return display.trim();
  const sentence = /^[\s\S]*?(?=\n|[.!?](?:\s|$)|$)/.exec(rest)?.[0] ?? rest;
  return sentence.replace(/\*+$/, '').trim();
}

/** The last number with its sign, separators, decimals and denominator; or null. */
export function extractLastNumber(text: string): string | null {
  return lastMatch(text, NUMBER)?.[0] ?? null;
}
