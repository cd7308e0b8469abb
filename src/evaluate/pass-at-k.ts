/** pass@k: the chance that one of k samples is right. */

/**
 * Unbiased estimate 1 − C(n − c, k) / C(n, k) for one example (Chen et al. 2021, arXiv 2107.03374),
 * as a product that does not overflow; null when there are fewer than k samples.
 * @param n samples drawn
 * @param c samples that are right
 * @example passAtK(4, 2, 2) // 0.8333 = 1 − 1/6
 */
export function passAtK(n: number, c: number, k: number): number | null {
  if (k > n) return null;
  if (n - c < k) return 1;
  let allWrong = 1;
  for (let i = n - c + 1; i <= n; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}
