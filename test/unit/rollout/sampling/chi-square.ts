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

/** Fewest expected draws of a cell; rarer tokens share one. */
const MIN_EXPECTED = 5;

/** p-value of the counts; tokens of probability 0 must not occur at all. */
export function goodnessOfFit(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const cells: { seen: number; expected: number }[] = [];
  const rare = { seen: 0, expected: 0 };
  for (const [i, p] of probabilities.entries()) {
    const cell = { seen: counts[i]!, expected: total * p };
    if (p === 0 && cell.seen !== 0) return 0;
    if (cell.expected >= MIN_EXPECTED) cells.push(cell);
    else {
      rare.seen += cell.seen;
      rare.expected += cell.expected;
    }
  }
  if (rare.expected > 0) cells.push(rare);
  const statistic = cells.reduce((sum, c) => sum + (c.seen - c.expected) ** 2 / c.expected, 0);
  return cells.length === 1 ? 1 : chiSquareTail(statistic, cells.length - 1);
}
