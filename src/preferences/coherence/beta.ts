/** Draws from the beta distribution, by two gamma variables. */
import type { Rng } from '../../util/rng.js';

/**
 * Gamma(shape, 1) for shape >= 1 (G. Marsaglia and W. W. Tsang 2000, "A simple method for generating gamma
 * variables").
 */
function gamma(rng: Rng, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - rng.uniform()) < x ** 2 / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** Beta(a, b) for a, b >= 1. */
export function sampleBeta(rng: Rng, a: number, b: number): number {
  const x = gamma(rng, a);
  return x / (x + gamma(rng, b));
}
