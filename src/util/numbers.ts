/** Sums, means and shares of lists. */

/** In the order of the list. */
export const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** `Math.max(...values)` of lists of any length: a call takes some 120,000 arguments. -Infinity of none. */
export const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);

/** `Math.min(...values)` of lists of any length; Infinity of none. */
export const smallest = (values: readonly number[]): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);

/** Null of none: 0 would be a value. */
export function mean(values: ArrayLike<number>): number | null {
  if (values.length === 0) return null;
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total / values.length;
}

/** The share of the items that something holds of; 0 of none. */
export const share = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  items.length === 0 ? 0 : items.filter(holds).length / items.length;
