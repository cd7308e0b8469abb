import { describe, expect, it } from 'vitest';
import { passesMillerRabin } from '../../../src/util/miller-rabin.js';

describe('passesMillerRabin', () => {
  it('agrees with a sieve', () => {
    const isComposite = new Uint8Array(5000);
    for (let i = 2; i * i < 5000; i++) for (let j = i * i; j < 5000; j += i) isComposite[j] = 1;
    for (let n = 0; n < 5000; n++)
      expect(passesMillerRabin(BigInt(n))).toBe(n > 1 && isComposite[n] === 0);
  });

  // strong pseudoprimes to the first 9 and 12 prime bases (OEIS A014233), and two primes
  it.each([
    [3825123056546413051n, false],
    [318665857834031151167461n, false],
    [2n ** 61n - 1n, true],
    [1_000_000_000_000_000_009n, true],
  ])('of %s is %s', (n, expected) => {
    expect(passesMillerRabin(BigInt(n))).toBe(expected);
  });
});
