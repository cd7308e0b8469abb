/** Exact factorization, against products of known primes, division, and what must be refused. */
import { describe, expect, test } from 'vitest';
import { isFactorization, primeFactors } from '../../../../src/data/factorization/index.js';
import { isPrime, primesBelow } from '../../../../src/data/factorization/primes.js';

/** All prime factors by division, which shares nothing with the tested code. */
function byDivision(n: number): bigint[] {
  const found: bigint[] = [];
  for (let rest = n, divisor = 2; rest > 1; divisor++) {
    if (divisor * divisor > rest) divisor = rest;
    for (; rest % divisor === 0; rest /= divisor) found.push(BigInt(divisor));
  }
  return found;
}

const product = (factors: readonly bigint[]) => factors.reduce((a, b) => a * b, 1n);

test('every number up to 20,000 has the factors that division finds', () => {
  for (let n = 2; n <= 20_000; n++) expect(primeFactors(BigInt(n))).toEqual(byDivision(n));
});

test('the sieve and the test of primality agree', () => {
  const primes = new Set(primesBelow(30_000));
  for (let n = 0; n < 30_000; n++) expect(isPrime(BigInt(n))).toBe(primes.has(n));
});

describe('large numbers', () => {
  test.each([
    ['strong pseudoprime to the bases 2, 3, 5, 7', 3215031751n, [151n, 751n, 28351n]],
    ['Carmichael number', 561n, [3n, 11n, 17n]],
    ['Fermat number F5', 2n ** 32n + 1n, [641n, 6700417n]],
    ['Mersenne number 2^67 − 1', 2n ** 67n - 1n, [193707721n, 761838257287n]],
    ['square of a prime', 1000003n ** 2n, [1000003n, 1000003n]],
    ['two primes of nine digits', 999999937n * 999999929n, [999999929n, 999999937n]],
    ['Mersenne prime 2^61 − 1', 2n ** 61n - 1n, [2n ** 61n - 1n]],
    ['30 digits of small primes', 2n ** 40n * 3n ** 20n * 5n ** 11n, null],
  ])('%s', (_, n, expected) => {
    const factors = primeFactors(n);
    expect(product(factors)).toBe(n);
    if (expected !== null) expect(factors).toEqual(expected);
  });

  test('a 30-digit number is factored when its parts are decidable', () => {
    const n = 123456789012345678901234567890n;
    expect(String(n)).toHaveLength(30);
    // As sympy's factorint has it.
    const primes = [7, 13, 31, 37, 211, 241, 2161, 3607, 3803, 2906161].map(BigInt);
    expect(primeFactors(n)).toEqual([2n, 3n, 3n, 3n, 5n, ...primes]);
  });

  test('what cannot be proven is refused, never guessed', () => {
    // 2^89 − 1 is prime, and beyond the bound below which the bases are a proof.
    expect(() => primeFactors(2n ** 89n - 1n)).toThrow('too large to prove that it is prime');
    expect(() => primeFactors(1n)).toThrow('only numbers from 2 on');
  });
});

test('the second opinion accepts what is right and nothing else', () => {
  expect(isFactorization(60, [2, 2, 3, 5])).toBe(true);
  expect(isFactorization(999999999989, [999999999989])).toBe(true);
  expect(isFactorization(60, [4, 3, 5])).toBe(false);
  expect(isFactorization(60, [2, 2, 3])).toBe(false);
  expect(isFactorization(60, [])).toBe(false);
  expect(isFactorization(7, [1, 7])).toBe(false);
  expect(isFactorization(1000003 ** 2, [1000003 ** 2])).toBe(false);
});
