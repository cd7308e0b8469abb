/**
 * Numbers between two ends as expressions over bytes, digit by digit: as long as a number has only the digits
 * of an end, the next digit is bounded by it. Numbers are written without exponent and with a bounded
 * fraction, so that every one of them ends.
 */
import { bytes, choice, type Expression, literal, optional, repeat, sequence } from './grammar.js';

/** Digits behind the point, at most. */
export const MAX_DECIMALS = 6;
/** Largest magnitude of an end. */
export const MAX_END = 1e15;

const ZERO = 0x30;
const digitsFrom = (low: number, high: number): Expression => bytes([ZERO + low, ZERO + high]);
const ANY_DIGIT = digitsFrom(0, 9);

/**
 * Numbers from `low` to `high`, both included, with up to `decimals` digits behind the point; null when there
 * are none. @param decimals 0 for whole numbers
 */
export function numberBetween(low: number, high: number, decimals: number): Expression | null {
  const [least, most] = [scaled(low, 'up', decimals), scaled(high, 'down', decimals)];
  const negative = magnitudes(larger(1n, -most), -least, decimals).map((each) =>
    sequence(literal('-'), each),
  );
  const all = [...negative, ...magnitudes(larger(0n, least), most, decimals)];
  return all.length === 0 ? null : choice(...all);
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The number in units of its last digit. */
function scaled(value: number, rounding: 'up' | 'down', decimals: number): bigint {
  const text = value.toFixed(decimals);
  const units = BigInt(text.replace('.', ''));
  const rounded = Number(text);
  if (rounding === 'up') return rounded < value ? units + 1n : units;
  return rounded > value ? units - 1n : units;
}

/** Where a number's digits are: `point` before the decimal point, `length` in all. */
interface Form {
  readonly point: number;
  readonly length: number;
}

/** An expression for each number of digits before the point; `low` is not negative. */
function magnitudes(low: bigint, high: bigint, decimals: number): Expression[] {
  const found: Expression[] = [];
  for (let point = 1; ; point++) {
    const length = point + decimals;
    const shortest = point === 1 ? 0n : 10n ** BigInt(length - 1);
    if (shortest > high) return found;
    const longest = 10n ** BigInt(length) - 1n;
    const [from, to] = [larger(low, shortest), high < longest ? high : longest];
    if (from > to) continue;
    const digits = (end: bigint) => String(end).padStart(length, '0');
    found.push(digitsBetween(0, { low: digits(from), high: digits(to), form: { point, length } }));
  }
}

interface Ends {
  /** Digits of an end that the number has followed so far; null when it has left it. */
  readonly low: string | null;
  readonly high: string | null;
  readonly form: Form;
}

/** The digits from `at` on. Zeros at the end of the fraction may be left out. */
function digitsBetween(at: number, { low, high, form }: Ends): Expression {
  if (at === form.length) return sequence();
  const [from, to] = [low === null ? 0 : Number(low[at]), high === null ? 9 : Number(high[at])];
  const next = (first: number, last: number, keep: Partial<Ends>): Expression =>
    sequence(
      digitsFrom(first, last),
      digitsBetween(at + 1, { low: null, high: null, ...keep, form }),
    );
  if (low === null && high === null) return freeDigits(at, form);
  const options: Expression[] = [];
  const isBoth = low !== null && high !== null && from === to;
  if (isBoth) options.push(next(from, to, { low, high }));
  else {
    const [first, last] = [low === null ? from : from + 1, high === null ? to : to - 1];
    if (low !== null) options.push(next(from, from, { low }));
    if (first <= last) options.push(next(first, last, {}));
    if (high !== null) options.push(next(to, to, { high }));
  }
  const digits = sequence(...(at === form.point ? [literal('.')] : []), choice(...options));
  const mayEnd = at >= form.point && (low === null || /^0*$/.test(low.slice(at)));
  return mayEnd ? optional(digits) : digits;
}

function freeDigits(at: number, { point, length }: Form): Expression {
  if (at > point) return repeat(ANY_DIGIT, 0, length - at);
  const whole = repeat(ANY_DIGIT, point - at, point - at);
  if (length === point) return whole;
  const fraction = sequence(literal('.'), repeat(ANY_DIGIT, 1, length - point));
  return sequence(whole, optional(fraction));
}
