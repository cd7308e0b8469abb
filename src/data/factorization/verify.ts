/**
 * A second opinion on a factorization, by means that share nothing with how it was found: the product is
 * multiplied out, and each factor is divided by every prime up to its square root.
 */
import { primesBelow } from './primes.js';

let sieve: readonly number[] = [];

function primesUpTo(limit: number): readonly number[] {
  if ((sieve.at(-1) ?? 0) < limit) sieve = primesBelow(2 * limit + 10);
  return sieve;
}

/** Whether the factors are primes whose product is n. Numbers up to 2^53; costs √factor divisions. */
export function isFactorization(n: number, factors: readonly number[]): boolean {
  const product = factors.reduce((total, factor) => total * BigInt(factor), 1n);
  return product === BigInt(n) && factors.length > 0 && factors.every(isPrimeByDivision);
}

function isPrimeByDivision(n: number): boolean {
  if (!Number.isSafeInteger(n) || n < 2) return false;
  const root = Math.floor(Math.sqrt(n)) + 1;
  for (const prime of primesUpTo(root)) {
    if (prime > root || prime >= n) break;
    if (n % prime === 0) return false;
  }
  return true;
}
