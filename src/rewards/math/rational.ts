/**
 * Exact rational numbers on BigInt, in lowest terms with a positive denominator. Operations return
 * null where the result has no value (division by zero) or more than `MAX_BITS` bits, which bounds
 * the time of each.
 */
import { gcd } from '../../util/gcd.js';

export interface Rational {
  readonly over: bigint;
  readonly under: bigint;
}

const MAX_BITS = 20_000;
const MAX_FACTORIAL = 2005;

export const ZERO: Rational = { over: 0n, under: 1n };
export const ONE: Rational = { over: 1n, under: 1n };

export function rational(over: bigint, under = 1n): Rational | null {
  if (under === 0n) return null;
  if (under === 1n) return isSmall(over) ? { over, under } : null;
  const divisor = gcd(over < 0n ? -over : over, under < 0n ? -under : under);
  const sign = under < 0n ? -1n : 1n;
  const result = { over: (sign * over) / divisor, under: (sign * under) / divisor };
  return isSmall(result.over) && isSmall(result.under) ? result : null;
}

/** The value of digits with at most one dot and an exponent of ten: "12.50", ".5", "3." */
export function parseDecimal(digits: string, exponent: number): Rational | null {
  const [whole = '', fraction = ''] = digits.split('.');
  const over = BigInt(`${whole}${fraction}` || '0');
  const scale = exponent - fraction.length;
  if (Math.abs(scale) > MAX_BITS / 4) return null;
  return scale >= 0 ? rational(over * 10n ** BigInt(scale)) : rational(over, 10n ** BigInt(-scale));
}

export function add(a: Rational, b: Rational): Rational | null {
  return rational(a.over * b.under + b.over * a.under, a.under * b.under);
}

export function multiply(a: Rational, b: Rational): Rational | null {
  return rational(a.over * b.over, a.under * b.under);
}

export function divide(a: Rational, b: Rational): Rational | null {
  return rational(a.over * b.under, a.under * b.over);
}

export function negate(a: Rational): Rational {
  return { over: -a.over, under: a.under };
}

/** aⁿ of an integer n; 0⁰ has no value here. */
export function power(a: Rational, n: bigint): Rational | null {
  if (n === 0n) return a.over === 0n ? null : ONE;
  const size = bits(a.over) > bits(a.under) ? bits(a.over) : bits(a.under);
  const steps = n < 0n ? -n : n;
  const isUnit = a.under === 1n && (a.over === 0n || a.over === 1n || a.over === -1n);
  if (!isUnit && steps * BigInt(size) > BigInt(MAX_BITS)) return null;
  const exponent = isUnit ? 2n - (steps % 2n) : steps;
  const result = { over: a.over ** exponent, under: a.under ** exponent };
  return n > 0n ? result : rational(result.under, result.over);
}

export function factorial(n: Rational): Rational | null {
  if (n.under !== 1n || n.over < 0n || n.over > MAX_FACTORIAL) return null;
  let product = 1n;
  for (let i = 2n; i <= n.over; i++) product *= i;
  return { over: product, under: 1n };
}

/** C(n, k) of integers 0 ≤ k ≤ n. */
export function binomial(n: Rational, k: Rational): Rational | null {
  const isWhole = n.under === 1n && k.under === 1n;
  if (!isWhole || k.over < 0n || k.over > n.over || n.over > MAX_FACTORIAL) return null;
  const count = 2n * k.over > n.over ? n.over - k.over : k.over;
  let result = 1n;
  for (let i = 1n; i <= count; i++) result = (result * (n.over - count + i)) / i;
  return { over: result, under: 1n };
}

/** Largest integer not above a. */
export function floor(a: Rational): Rational {
  const quotient = a.over / a.under;
  const isBelow = a.over < 0n && quotient * a.under !== a.over;
  return { over: isBelow ? quotient - 1n : quotient, under: 1n };
}

/** The exact n-th root, n of 2 to 64, when it is rational and the root real; else null. */
export function exactRoot(a: Rational, degree: bigint): Rational | null {
  if (degree < 2n || degree > 64n || (a.over < 0n && degree % 2n === 0n)) return null;
  const over = integerRoot(a.over < 0n ? -a.over : a.over, degree);
  const under = integerRoot(a.under, degree);
  if (over === null || under === null) return null;
  return { over: a.over < 0n ? -over : over, under };
}

export function equals(a: Rational, b: Rational): boolean {
  return a.over === b.over && a.under === b.under;
}

/** Nearest double; infinite where it is too large for one. */
export function toNumber(a: Rational): number {
  if (isDouble(a.over) && isDouble(a.under)) return Number(a.over) / Number(a.under);
  const shift = bits(a.over) - bits(a.under) - 64;
  const scaled =
    shift >= 0 ? a.over / (a.under << BigInt(shift)) : (a.over << BigInt(-shift)) / a.under;
  const half = Math.trunc(shift / 2);
  return Number(scaled) * 2 ** half * 2 ** (shift - half);
}

function integerRoot(value: bigint, degree: bigint): bigint | null {
  if (value < 2n) return value;
  let high = 1n << BigInt(Math.ceil(bits(value) / Number(degree)));
  let next = high;
  do {
    high = next;
    next = ((degree - 1n) * high + value / high ** (degree - 1n)) / degree;
  } while (next < high);
  return high ** degree === value ? high : null;
}

/** Bits of the magnitude, to within three. */
function bits(value: bigint): number {
  return 4 * value.toString(16).length;
}

function isSmall(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value || bits(value) <= MAX_BITS;
}

function isDouble(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value || bits(value) <= 1020;
}
