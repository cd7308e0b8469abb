/**
 * Complex numbers in double precision with a bound of their rounding error (running error analysis;
 * Higham, Accuracy and Stability of Numerical Algorithms, section 3.3). The bound tells a difference
 * that is rounding from one that is real. What has no finite value is null.
 */

export interface Complex {
  readonly re: number;
  readonly im: number;
  /** Bound of the absolute error, to first order. */
  readonly error: number;
}

type Value = Complex | null;
const EPSILON = 2 ** -52;

export function complex(re: number, im = 0, error = 0): Value {
  const bound = error + EPSILON * (Math.abs(re) + Math.abs(im));
  return Number.isFinite(re) && Number.isFinite(im) && Number.isFinite(bound)
    ? { re, im, error: bound }
    : null;
}

/** A real number without an error. */
export const exactly = (re: number): Complex => ({ re, im: 0, error: 0 });

/** What is done with a value, where there is one. */
export const applied = (value: Value, apply: (a: Complex) => Value): Value =>
  value === null ? null : apply(value);

export function modulus(a: Complex): number {
  return Math.hypot(a.re, a.im);
}

export function plus(a: Complex, b: Complex): Value {
  return complex(a.re + b.re, a.im + b.im, a.error + b.error);
}

export function minus(a: Complex): Complex {
  return { re: -a.re, im: -a.im, error: a.error };
}

export function times(a: Complex, b: Complex): Value {
  const error = a.error * modulus(b) + b.error * modulus(a);
  if (a.im === 0 && b.im === 0) return complex(a.re * b.re, 0, error);
  return complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error);
}

export function over(a: Complex, b: Complex): Value {
  const size = modulus(b);
  if (size <= 2 * b.error) return null;
  const error = (a.error + (b.error * modulus(a)) / size) / size;
  if (a.im === 0 && b.im === 0) return complex(a.re / b.re, 0, error);
  const [re, im] = [b.re / size, b.im / size];
  return complex((a.re * re + a.im * im) / size, (a.im * re - a.re * im) / size, error);
}

export function exponential(a: Complex): Value {
  const size = Math.exp(a.re);
  if (a.im === 0) return complex(size, 0, size * a.error);
  return complex(size * Math.cos(a.im), size * Math.sin(a.im), size * (a.error + EPSILON));
}

/** Principal logarithm; null at 0. */
export function logarithm(a: Complex): Value {
  const size = modulus(a);
  if (size <= 2 * a.error) return null;
  return complex(Math.log(size), Math.atan2(a.im, a.re), a.error / size + EPSILON);
}

/** Principal aᵇ; small whole exponents by multiplication, which keeps real numbers real. */
export function raise(a: Complex, b: Complex): Value {
  if (b.im === 0 && Number.isInteger(b.re) && Math.abs(b.re) <= 64) return wholePower(a, b.re);
  if (modulus(a) === 0) return b.re > 0 ? complex(0) : null;
  if (a.im === 0 && b.im === 0 && (a.re > 0 || Number.isInteger(b.re))) return realPower(a, b);
  const exponent = applied(logarithm(a), (log) => times(log, b));
  return applied(exponent, exponential);
}

function realPower(a: Complex, b: Complex): Value {
  const value = a.re ** b.re;
  const relative =
    (Math.abs(b.re) * a.error) / Math.abs(a.re) + b.error * Math.abs(Math.log(Math.abs(a.re)));
  return complex(value, 0, Math.abs(value) * (relative + EPSILON));
}

function wholePower(a: Complex, n: number): Value {
  let result: Value = complex(1);
  for (let i = 0; i < Math.abs(n) && result !== null; i++) result = times(result, a);
  if (n >= 0 || result === null) return result;
  return over(exactly(1), result);
}

/** Applies a function of one real variable; `slope` bounds its derivative near `a`. */
export function realFunction(a: Complex, apply: (x: number) => number, slope: number): Value {
  if (a.im !== 0) return null;
  return complex(apply(a.re), 0, a.error * slope + EPSILON * Math.abs(apply(a.re)));
}
