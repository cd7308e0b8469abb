/** 95% intervals of proportions and means. */
import { largest, mean, share, smallest, sum } from '../util/numbers.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** 97.5% point of the standard normal distribution. */
export const Z95 = 1.959963984540054;

/**
 * Wilson score interval of a proportion (E. B. Wilson 1927): it keeps to [0, 1] and holds its level also
 * near 0 and 1. Of 0 trials it is [0, 1].
 * @example wilson(5, 10) // { low: 0.2366, high: 0.7634 }
 */
export function wilson(successes: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const scale = 1 + Z95 ** 2 / trials;
  const centre = (share + Z95 ** 2 / (2 * trials)) / scale;
  const spread = (share * (1 - share)) / trials + Z95 ** 2 / (4 * trials ** 2);
  const half = (Z95 / scale) * Math.sqrt(spread);
  return {
    low: successes === 0 ? 0 : centre - half,
    high: successes === trials ? 1 : centre + half,
  };
}

/**
 * Normal interval of a mean from independent values, cut to `bounds`. Of fewer than two values it is
 * the bounds.
 */
export function meanInterval(
  values: readonly number[],
  bounds: Interval = { low: 0, high: 1 },
): Interval {
  const n = values.length;
  if (n < 2) return bounds;
  const centre = mean(values)!;
  const variance = sum(values.map((value) => (value - centre) ** 2)) / (n - 1);
  const half = Z95 * Math.sqrt(variance / n);
  return { low: Math.max(bounds.low, centre - half), high: Math.min(bounds.high, centre + half) };
}

/** What rounding may do to sums and differences of shares. */
const ROUNDING = 1e-9;

/** Whether values differ by more than rounding: of 5 samples 3/5 − 2/5 and 1/5 − 0 are one difference. */
export const haveSpread = (values: readonly number[]): boolean =>
  largest(values) - smallest(values) > ROUNDING;

/** The whole number that a value is but for rounding, else the value: 0.7 + 0.2 + 0.1 is below 1. */
export function unlessWhole(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) > ROUNDING ? value : whole;
}

/**
 * Interval of a mean over examples of values within `bounds`, as of the shares of their right samples. Examples at
 * one end or the other are trials, and Wilson's interval holds, also where all are wrong; with one sample an
 * example that is always so. Equal values, whose spread is not known, are taken for trials of that rate, which is
 * wider than theirs. Otherwise it is the normal interval of the values.
 * @example shareInterval([0, 0, 0]) // { low: 0, high: 0.5615 }
 */
export function shareInterval(
  shares: readonly number[],
  bounds: Interval = { low: 0, high: 1 },
): Interval {
  const { low, high } = bounds;
  const span = high - low;
  const successes = shares.map((share) => unlessWhole((share - low) / span));
  if (!successes.every(Number.isInteger) && haveSpread(shares)) return meanInterval(shares, bounds);
  const own = wilson(sum(successes), shares.length);
  return { low: low + span * own.low, high: low + span * own.high };
}

/** Of each group the share of its members of which `holds`. */
export const shares = <T>(
  groups: readonly (readonly T[])[],
  holds: (member: T) => boolean,
): number[] => groups.map((group) => share(group, holds));

type WithInterval<K extends string, V> = Readonly<Record<K | `${K}_low` | `${K}_high`, V>>;

/**
 * The mean of values within `bounds` and its `shareInterval`, by their names in files; nulls of no values.
 * @example withInterval('accuracy', [0, 0, 0]) // { accuracy: 0, accuracy_low: 0, accuracy_high: 0.5615 }
 */
export function withInterval<K extends string>(
  name: K,
  values: readonly number[],
  bounds?: Interval,
): WithInterval<K, number> | WithInterval<K, null> {
  const { low, high } =
    values.length === 0 ? { low: null, high: null } : shareInterval(values, bounds);
  const named = { [name]: mean(values), [`${name}_low`]: low, [`${name}_high`]: high };
  return named as WithInterval<K, number> | WithInterval<K, null>;
}
