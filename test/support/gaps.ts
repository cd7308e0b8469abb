/** How far numbers are from the expected ones. */

/** Largest |a − b|; NaN where one of them is, infinite where their counts differ. */
export function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Mean |a − b|. */
export const meanGap = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

/** ‖a − b‖ / ‖b‖ */
export function relativeGap(a: Float32Array, b: Float32Array): number {
  let [gap, size] = [0, 0];
  for (const [i, value] of b.entries()) {
    gap += (a[i]! - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(gap / size);
}
