/** Two systems on the same examples: exact McNemar test, and intervals of the difference. */
import { sum } from '../util/numbers.js';
import { haveSpread, type Interval, meanInterval, unlessWhole, Z95 } from './intervals.js';

/**
 * Two-sided p-value of McNemar's exact test: under the hypothesis of equal systems each discordant
 * example favours either with probability 1/2. 1 when none is discordant.
 * @param onlyA examples that only the first system has right
 * @param onlyB examples that only the second has right
 * @example mcnemarExact(1, 9) // 0.021484375 = 2 (1 + 10) / 2^10
 */
export function mcnemarExact(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB;
  if (n === 0) return 1;
  // In logarithms: 2^-n is below the smallest double from n = 1075 on.
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let i = 1; i <= Math.min(onlyA, onlyB); i++) {
    logTerm += Math.log((n - i + 1) / i);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

export interface PairedCounts {
  /** Examples that both systems were tried on. */
  readonly n: number;
  readonly onlyA: number;
  readonly onlyB: number;
}

/**
 * 95% interval of (accuracy of B − accuracy of A): Wald's with half an observation added to each cell
 * (A. Agresti and Y. Min 2005), within [−1, 1].
 */
export function pairedInterval({ n, onlyA, onlyB }: PairedCounts): Interval {
  const total = n + 2;
  const a = onlyA + 0.5;
  const b = onlyB + 0.5;
  const difference = (b - a) / total;
  const half = (Z95 * Math.sqrt(a + b - (b - a) ** 2 / total)) / total;
  return { low: Math.max(-1, difference - half), high: Math.min(1, difference + half) };
}

/**
 * 95% interval of a mean difference over examples, each within [−range, range], by the rule of `shareInterval`:
 * whole wins, losses and ties are counted, and so are equal differences, whose spread is not known, as the
 * share of wins that they are; otherwise it is the normal interval of the differences.
 * @example differenceInterval([0, 0, 0]) // { low: -0.392, high: 0.392 }
 */
export function differenceInterval(differences: readonly number[], range = 1): Interval {
  const shares = differences.map((difference) => unlessWhole(difference / range));
  if (!shares.every(Number.isInteger) && haveSpread(shares)) {
    return meanInterval(differences, { low: -range, high: range });
  }
  const { low, high } = pairedInterval({
    n: shares.length,
    onlyA: sum(shares.map((share) => Math.max(0, -share))),
    onlyB: sum(shares.map((share) => Math.max(0, share))),
  });
  return { low: range * low, high: range * high };
}
