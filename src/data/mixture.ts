/** Several lists of examples as one, each with its share: short ones repeat, nothing is left out. */
import { largest } from '../util/numbers.js';
import { Rng } from '../util/rng.js';

export interface MixturePart<T> {
  readonly items: readonly T[];
  /** Relative share of the mixture. */
  readonly weight: number;
}

/** Items that each part gives: the smallest mixture in which every item stands at least once. */
export function mixtureCounts(parts: readonly MixturePart<unknown>[]): number[] {
  const sum = parts.reduce((total, { weight }) => total + weight, 0);
  const size = largest(parts.map(({ items, weight }) => (items.length * sum) / weight));
  return parts.map(({ items, weight }) =>
    Math.max(items.length, Math.round((size * weight) / sum)),
  );
}

/** Whole repeats of a part, then a seeded choice for what is left. */
export function mixture<T>(parts: readonly MixturePart<T>[], seed: number): T[] {
  const counts = mixtureCounts(parts);
  return parts.flatMap(({ items }, part) => {
    const repeats = Math.floor(counts[part]! / items.length);
    const rest = counts[part]! - repeats * items.length;
    const chosen = Rng.of(seed, 'mixture', part).shuffle(items).slice(0, rest);
    return [...Array.from({ length: repeats }, () => items).flat(), ...chosen];
  });
}
