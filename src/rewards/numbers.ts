/**
 * Numbers in answers: "$1,234.50", "18 dollars", "−3", "50%", "3/4", "1.2 million" → a value.
 *
 * A text is read as a number only when exactly one number stands in it, so that an answer which lists
 * guesses is none. Words and signs around the number are units: a percent sign does not divide by 100.
 * LaTeX beyond escaped signs, mixed numbers, ranges and powers are not read.
 */
import { lastMatch } from './last-match.js';

/** A number as written. `decimal` is its exact form, null when it is not a plain decimal. */
interface WrittenNumber {
  readonly value: number;
  readonly decimal: string | null;
}

/** Longer texts are prose, not answers; the limit also bounds the time. */
const MAX_LENGTH = 256;
/** Largest relative difference between two numbers that count as equal, where one is no integer. */
const TOLERANCE = 1e-9;

const MINUS_SIGNS = /[\u2212\u2013\ufe63\uff0d]/g;
const ESCAPED_SIGNS = /\\([$%])|\{(,)\}/g;
const LATEX_SPACES = /\\[,!;: ]/g;
/** Sign and currency in either order, digits with or without groups, fraction, exponent, denominator. */
const NUMBER =
  /(?<![\p{L}\p{N}_^√])(?:(?<sign>(?<![)\]}])[-+])\s?)?(?:[$€£¥₹]\s?)?(?<inner>[-+])?(?<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:e(?<exponent>[-+]?\d{1,3})(?!\d))?(?:\s?\/\s?(?<denominator>\d+(?:\.\d+)?))?/giu;
/** Stars of Markdown hug what they mark; those of a power follow a number, a name or a bracket, or stand by themselves. */
const BOLD = /(?<![\p{L}\p{N})\]}])\*\*(?!\s)([^*]+)(?<!\s)\*\*(?![\p{N}(])/gu;
/** What makes the number before it part of an expression: powers, superscripts, vulgar fractions. */
const EXPRESSION_AFTER = /^\s*(?:\^|\*\*|\p{No})/u;
const MAGNITUDE = /^\s?(thousand|million|billion|trillion)\b/i;
const MAGNITUDES: Readonly<Record<string, number>> = {
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
};

/**
 * The one number in `text`, or null when there is none, several, or an expression.
 * @example parseNumber('$1,234.50') // 1234.5
 * @example parseNumber('18 apples, 2 pears') // null
 */
export function parseNumber(text: string): number | null {
  return readNumber(text)?.value ?? null;
}

/**
 * Whether both hold one number and the numbers are equal: integers exactly, at any size; others to a
 * relative difference of 1e-9.
 * @example numbersEqual('3.50', '$3.5') // true
 */
export function numbersEqual(a: string, b: string): boolean {
  const left = readNumber(a);
  const right = readNumber(b);
  if (left === null || right === null) return false;
  if (Number.isInteger(left.value) && Number.isInteger(right.value)) {
    const isExact = left.decimal !== null && right.decimal !== null;
    return isExact ? left.decimal === right.decimal : left.value === right.value;
  }
  const largest = Math.max(Math.abs(left.value), Math.abs(right.value));
  return Math.abs(left.value - right.value) <= TOLERANCE * largest;
}

function readNumber(text: string): WrittenNumber | null {
  const trimmed = text.trim();
  if (trimmed.length > MAX_LENGTH) return null;
  const clean = trimmed
    .replace(ESCAPED_SIGNS, '$1$2')
    .replace(LATEX_SPACES, '')
    .replace(BOLD, '$1')
    .replace(MINUS_SIGNS, '-');
  const matches = [...clean.matchAll(NUMBER)];
  const match = matches[0];
  if (match === undefined || matches.length > 1) return null;
  const rest = clean.slice(match.index + match[0].length);
  if (EXPRESSION_AFTER.test(rest)) return null;
  return toNumber(match.groups ?? {}, MAGNITUDE.exec(rest)?.[1]?.toLowerCase());
}

/** A sign that does not follow a number or a bracket, then currency, digits, exponent, denominator and a word of size. */
const IN_PROSE =
  /(?:(?<![\p{N})\]}])[-\u2212\u2013\ufe63\uff0d])?(?:\\?[$€£¥₹])?(?:(?:\d{1,3}(?:(?:,(?:\\!)?|\{,\})\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)(?:e[-+]?\d{1,3}(?![\d.]))?(?:\s?\/\s?\d+(?:\.\d+)?)?(?<magnitude>\s?(?:thousand|million|billion|trillion)\b)?/giu;

/**
 * The last number in a text of any length, as written, for `parseNumber`; none when there is none. Before a word of
 * size it is read with it and without it: millions may be asked for.
 * @example lastNumber('She earns −1,200 dollars.') // ['−1,200']
 * @example lastNumber('That is 2 million.') // ['2 million', '2']
 */
export function lastNumber(text: string): string[] {
  const match = lastMatch(text, IN_PROSE);
  if (match === null) return [];
  const [written] = match;
  const { magnitude = '' } = match.groups ?? {};
  return magnitude === '' ? [written] : [written, written.slice(0, -magnitude.length)];
}

type Parts = Readonly<Record<string, string | undefined>>;

function toNumber(parts: Parts, magnitude: string | undefined): WrittenNumber | null {
  const { sign, inner, digits = '', exponent, denominator } = parts;
  if (sign !== undefined && inner !== undefined) return null;
  const plain = digits.replace(/[^\d.]/g, '');
  const decimal = canonical((sign ?? inner) === '-', plain);
  const scale = 10 ** Number(exponent ?? 0) * (MAGNITUDES[magnitude ?? ''] ?? 1);
  const value = (Number(decimal) * scale) / Number(denominator ?? 1);
  if (!Number.isFinite(value)) return null;
  const isPlain = exponent === undefined && denominator === undefined && magnitude === undefined;
  return { value, decimal: isPlain ? decimal : null };
}

/** "-0012.500" → "-12.5", "-0" → "0". */
function canonical(negative: boolean, digits: string): string {
  const [whole = '', fraction = ''] = digits.split('.');
  const left = whole.replace(/^0+(?=\d)/, '') || '0';
  const right = fraction.replace(/0+$/, '');
  const text = right === '' ? left : `${left}.${right}`;
  return negative && text !== '0' ? `-${text}` : text;
}
