/** Pearson's χ² test of counts against probabilities. */

/** Probability of a χ² at least this large: the regularised upper incomplete gamma function Q(df/2, χ²/2). */
export function chiSquareTail(statistic: number, df: number): number {
  const a = df / 2;
  const x = statistic / 2;
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < 2000; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.max(0, 1 - sum * Math.exp(-x + a * Math.log(x) - logGamma(a)));
}

/** Stirling's series after shifting the argument up. */
function logGamma(z: number): number {
  let shift = 0;
  let x = z;
  while (x < 10) shift += Math.log(x++);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** p-value of the counts; tokens of probability 0 must not occur at all. */
export function goodnessOfFit(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let statistic = 0;
  let cells = 0;
  for (const [i, p] of probabilities.entries()) {
    if (p === 0 && counts[i] !== 0) return 0;
    if (p === 0) continue;
    statistic += (counts[i]! - total * p) ** 2 / (total * p);
    cells++;
  }
  return chiSquareTail(statistic, cells - 1);
}
