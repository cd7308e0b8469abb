/** The nine tiers of difficulty by size, and how many rows each of them gets. */
import { InputError } from '../../util/errors.js';
import { sum } from '../../util/numbers.js';

export interface Tier {
  readonly tier: number;
  readonly difficulty: string;
  /** Smallest and largest number. */
  readonly low: number;
  readonly high: number;
  readonly share: number;
  /** With `optimize`. */
  readonly optimizedShare: number;
}

/** The last tier is open above; here it ends where each prime factor can be checked by division in a moment. */
const CAP = 999_999_999_999;

/**
 * `optimize` is for reasoning models: most rows of one to six digits and up to ten million (tiers 0 to 5,
 * 92% and not 85%), where a model can check each step of its own working, and fewer of the largest.
 */
export const TIERS: readonly Tier[] = [
  [0, 'very easy', 10, 99, 0.05, 0.05],
  [1, 'easy', 100, 999, 0.1, 0.12],
  [2, 'basic', 1_000, 9_999, 0.15, 0.2],
  [3, 'basic plus', 10_000, 99_999, 0.2, 0.23],
  [4, 'intermediate', 100_000, 999_999, 0.2, 0.2],
  [5, 'challenging', 1_000_000, 9_999_999, 0.15, 0.12],
  [6, 'hard', 10_000_000, 99_999_999, 0.08, 0.04],
  [7, 'very hard', 100_000_000, 999_999_999, 0.05, 0.03],
  [8, 'expert', 1_000_000_000, CAP, 0.02, 0.01],
].map((row) => {
  const [tier, difficulty, low, high, share, optimizedShare] = row as [
    number,
    string,
    number,
    number,
    number,
    number,
  ];
  return { tier, difficulty, low, high, share, optimizedShare };
});

export interface TierChoice {
  readonly numSamples: number;
  /** Which tiers; null is all. */
  readonly tiers: readonly number[] | null;
  /** Rows of each tier, in place of the shares; null takes the shares. */
  readonly samplesPerTier: number | null;
  /** Numbers above it are left out: tiers beyond go, the one it falls into ends there, or goes with `LEAST_PART`. */
  readonly maxValue: number | null;
  readonly optimize: boolean;
}

export interface TierPlan {
  readonly tier: Tier;
  readonly count: number;
}

/**
 * A tier of which less is left goes too, as its rows would be the same few numbers: 1,000,000 as the largest
 * number means tiers 0 to 4, though it is the first of tier 5.
 */
const LEAST_PART = 0.01;

/**
 * Rows of each tier. Shares of the tiers that are left are scaled to sum to one, and counts are rounded by
 * largest remainder, so that they sum to `numSamples`.
 * @throws InputError when no tier is left.
 */
export function planTiers(choice: TierChoice): TierPlan[] {
  const { tiers, maxValue, samplesPerTier, optimize, numSamples } = choice;
  const unknown = tiers?.find((tier) => TIERS[tier] === undefined);
  if (unknown !== undefined) {
    throw new InputError({
      where: 'tiers',
      problem: `there is no tier ${unknown}`,
      remedy: 'Choose from 0 to 8',
    });
  }
  const limit = maxValue ?? Number.MAX_SAFE_INTEGER;
  const left = TIERS.filter(({ tier, low, high }) => {
    const isAsked = tiers?.includes(tier) ?? true;
    return isAsked && limit - low + 1 >= LEAST_PART * (high - low + 1);
  }).map((tier) => ({ ...tier, high: Math.min(tier.high, limit) }));
  if (left.length === 0) {
    const problem = `no tier has enough numbers up to ${maxValue}`;
    throw new InputError({
      where: 'max_value',
      problem,
      remedy: 'Raise it, or choose lower tiers',
    });
  }
  if (samplesPerTier !== null) return left.map((tier) => ({ tier, count: samplesPerTier }));
  const shares = left.map(({ share, optimizedShare }) => (optimize ? optimizedShare : share));
  const counts = apportion(numSamples, shares);
  return left.map((tier, i) => ({ tier, count: counts[i] ?? 0 }));
}

/** Whole numbers in proportion to the shares that sum to the total (Hare quota, largest remainder). */
export function apportion(total: number, shares: readonly number[]): number[] {
  const all = sum(shares);
  const exact = shares.map((share) => (total * share) / all);
  const counts = exact.map(Math.floor);
  const order = exact
    .map((value, i) => ({ i, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  const missing = total - sum(counts);
  for (const { i } of order.slice(0, missing)) counts[i] = (counts[i] ?? 0) + 1;
  return counts;
}
