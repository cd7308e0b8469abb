/** Whether two scalar expressions have one value: exact, then by numbers at several points. */
import { type Complex, modulus, over as quotient } from './complex.js';
import { exactValue } from './exact.js';
import { keyOf } from './key.js';
import { numericValue, point } from './numeric.js';
import { add, equals, negate, toNumber } from './rational.js';
import { contains, type Node } from './syntax.js';

/** Relative difference of two doubles that count as one number. */
const RELATIVE = 1e-9;
/** Largest absolute rounding error that may explain a difference. */
const LARGEST_ERROR = 1e-9;
const POSITIVE_POINTS = 3;
const MIXED_POINTS = 3;

/**
 * @param precision - largest absolute difference between numbers that count as equal; 0 for exact
 */
export function scalarsEqual(gold: Node, prediction: Node, precision: number): boolean {
  const exactGold = exactValue(gold);
  const exactPrediction = exactGold === null ? null : exactValue(prediction);
  if (exactGold !== null && exactPrediction !== null) {
    if (equals(exactGold, exactPrediction)) return true;
    const difference = precision > 0 ? add(exactGold, negate(exactPrediction)) : null;
    return difference !== null && Math.abs(toNumber(difference)) <= allowed(precision);
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

function constantsEqual(gold: Node, prediction: Node, precision: number): boolean {
  const a = numericValue(gold, point(0, true));
  const b = a === null ? null : numericValue(prediction, point(0, true));
  if (a === null || b === null) return keyOf(gold) === keyOf(prediction);
  return isNear(a, b) || distance(a, b) <= allowed(precision);
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
  return difference <= relative * scale || (difference <= 4 * error && error <= LARGEST_ERROR);
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
  for (let index = 0; index < POSITIVE_POINTS + MIXED_POINTS; index++) {
    const at = point(index, index < POSITIVE_POINTS);
    const a = numericValue(left, at);
    const b = a === null ? null : numericValue(right, at);
    if (a === null || b === null) continue;
    if (!at.isPositive && at.hasBranched) continue;
    if (!test(a, b)) return false;
    compared += 1;
  }
  return compared >= POSITIVE_POINTS ? true : null;
}
