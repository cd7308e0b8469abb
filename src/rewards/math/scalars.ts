/** Whether two scalar expressions have one value: exact, then by numbers at several points. */
import { type Complex, modulus, over as quotient } from './complex.js';
import { exactValue } from './exact.js';
import { keyOf } from './key.js';
import { numericValue, type Point, point } from './numeric.js';
import { add, equals, negate, toNumber } from './rational.js';
import { contains, type Node } from './syntax.js';

/** Relative difference of two doubles that count as one number. */
const RELATIVE = 1e-9;
/** The same where no decimal stands for a value that it does not reach. */
const ROUNDING = 1e-13;
/** Largest rounding error that may explain a difference, beside one of `RELATIVE`. */
const LARGEST_ERROR = 1e-9;
/** Denominator of a decimal of nine places. */
const LONG_DECIMAL = 10n ** 9n;
/** Points of each sign that expressions are compared at, and those of whole numbers: each in turn, then others. */
const REAL_POINTS = 3;
const WHOLE_POINTS = 40;
/** Letters that count things. */
const COUNT = /^[i-nKMN](?:_|$)/;

/**
 * @param precision - largest absolute difference between numbers that count as equal; 0 for exact
 */
export function scalarsEqual(gold: Node, prediction: Node, precision: number): boolean {
  const exactGold = exactValue(gold);
  const exactPrediction = exactGold === null ? null : exactValue(prediction);
  if (exactGold !== null && exactPrediction !== null) {
    if (equals(exactGold, exactPrediction)) return true;
    const isRounded = hasLongDecimal(gold) || hasLongDecimal(prediction);
    const rounding = isRounded ? RELATIVE * Math.abs(toNumber(exactGold)) : 0;
    const bound = Math.max(allowed(precision), rounding);
    const difference = bound > 0 ? add(exactGold, negate(exactPrediction)) : null;
    return difference !== null && Math.abs(toNumber(difference)) <= bound;
  }
  if (isConstant(gold) && isConstant(prediction))
    return constantsEqual(gold, prediction, precision);
  return agreement(gold, prediction, (a, b) => isNear(a, b)) ?? keyOf(gold) === keyOf(prediction);
}

/**
 * Whether `left / right` is one number other than 0 at all points: both are zero at the same places,
 * as the sides' differences of two equations must be.
 * @param isPositive - whether that number must be positive, as for inequalities
 */
export function areProportional(left: Node, right: Node, isPositive: boolean): boolean {
  let first: Complex | null = null;
  const agrees = agreement(left, right, (a, b) => {
    const ratio = quotient(a, b);
    if (ratio === null || modulus(ratio) <= 1e-9) return false;
    if (isPositive && !(ratio.re > 0 && Math.abs(ratio.im) <= RELATIVE * ratio.re)) return false;
    first ??= ratio;
    return isNear(ratio, first, 1e-7);
  });
  return agrees === true;
}

/** Whether no letters stand in it. */
export function isConstant(node: Node): boolean {
  return !contains(node, ({ kind, ...rest }) => {
    return kind === 'symbol' || (kind === 'call' && 'name' in rest && /^[fg]$/.test(rest.name));
  });
}

const hasDecimal = (node: Node): boolean =>
  contains(node, (part) => part.kind === 'number' && part.value.under > 1n);

/** 0.08333333333333333, as programs print 1/12. Decimals of fewer digits are meant as they stand. */
function hasLongDecimal(node: Node): boolean {
  return contains(node, (part) => part.kind === 'number' && part.value.under >= LONG_DECIMAL);
}

function constantsEqual(gold: Node, prediction: Node, precision: number): boolean {
  const a = numericValue(gold, point(0, 'positive'));
  const b = a === null ? null : numericValue(prediction, point(0, 'positive'));
  if (a === null || b === null) return keyOf(gold) === keyOf(prediction);
  const relative = hasDecimal(gold) || hasDecimal(prediction) ? RELATIVE : ROUNDING;
  return isNear(a, b, relative) || distance(a, b) <= allowed(precision);
}

/** 0.002 and 0.003 differ by 0.001 in decimals, a little more in doubles. */
function allowed(precision: number): number {
  return precision * (1 + RELATIVE);
}

function distance(a: Complex, b: Complex): number {
  return Math.hypot(a.re - b.re, a.im - b.im);
}

function isNear(a: Complex, b: Complex, relative = RELATIVE): boolean {
  const difference = distance(a, b);
  const error = a.error + b.error;
  const scale = Math.max(modulus(a), modulus(b));
  if (error > RELATIVE * scale && error > LARGEST_ERROR) return false;
  return difference <= relative * scale || difference <= 4 * error;
}

/**
 * Whether `test` holds at all points where both have a value; null when there are fewer than three.
 * Points with negative letters do not count where a root or logarithm left the real numbers.
 */
function agreement(
  left: Node,
  right: Node,
  test: (a: Complex, b: Complex) => boolean,
): boolean | null {
  let compared = 0;
  for (const at of pointsFor(left, right)) {
    const a = numericValue(left, at);
    const b = a === null ? null : numericValue(right, at);
    if (a === null || b === null) continue;
    if (at.kind === 'mixed' && at.hasBranched) continue;
    if (!test(a, b)) return false;
    compared += 1;
  }
  return compared >= REAL_POINTS ? true : null;
}

/** Functions with jumps differ at whole numbers, and of letters that count nowhere else. */
function pointsFor(left: Node, right: Node): readonly Point[] {
  const either = (test: (node: Node) => boolean) => contains(left, test) || contains(right, test);
  const real = (['positive', 'mixed'] as const).flatMap((kind, i) =>
    Array.from({ length: REAL_POINTS }, (_, index) => point(i * REAL_POINTS + index, kind)),
  );
  if (!either((node) => node.kind === 'call' && /^(?:floor|ceil)$/.test(node.name))) return real;
  const whole = Array.from({ length: WHOLE_POINTS }, (_, index) => point(index, 'whole'));
  const isCounted = !either((node) => node.kind === 'symbol' && !COUNT.test(node.name));
  return isCounted ? whole : [...whole, ...real];
}
