/** Whether an answer is the factorization of a number. */
import { passesMillerRabin } from '../../util/miller-rabin.js';

/** All factors are prime and multiply to the number. */
export function isFactorization(number: bigint, factors: readonly bigint[] | null): boolean {
  if (factors === null || factors.length === 0) return false;
  let product = 1n;
  for (const factor of factors) {
    product *= factor;
    if (factor < 2n || product > number) return false;
  }
  return product === number && factors.every(passesMillerRabin);
}
