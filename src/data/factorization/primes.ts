/**
 * Exact factorization of whole numbers. Primality is decided by Miller–Rabin where that is proven right;
 * composites are split by trial division and Pollard's rho in Brent's form. What neither can
 * decide is refused: an answer is never only probably right.
 */
import { InputError } from '../../util/errors.js';
import { gcd } from '../../util/gcd.js';
import { PROVEN_BOUND, passesMillerRabin } from '../../util/miller-rabin.js';

const TRIAL_LIMIT = 1000;
/** Primes below a limit, by Eratosthenes' sieve. */
export function primesBelow(limit: number): number[] {
  const isComposite = new Uint8Array(limit);
  const primes: number[] = [];
  for (let n = 2; n < limit; n++) {
    if (isComposite[n]) continue;
    primes.push(n);
    for (let multiple = n * n; multiple < limit; multiple += n) isComposite[multiple] = 1;
  }
  return primes;
}

const SMALL_PRIMES = primesBelow(TRIAL_LIMIT).map(BigInt);

/** @throws InputError when n passes every base and is too large for that to be a proof. */
export function isPrime(n: bigint): boolean {
  if (n < 2n) return false;
  const small = SMALL_PRIMES.find((prime) => n % prime === 0n);
  if (small !== undefined) return n === small;
  if (!passesMillerRabin(n)) return false;
  if (n < PROVEN_BOUND) return true;
  throw new InputError({
    where: String(n),
    problem: 'it is too large to prove that it is prime',
    remedy: `Numbers whose parts are below ${PROVEN_BOUND} can be decided`,
  });
}

const magnitude = (n: bigint) => (n < 0n ? -n : n);

/** Steps of one attempt: enough for prime factors of about twelve digits. */
const RHO_STEPS = 1 << 22;
const RHO_BATCH = 128;

/** A proper divisor of an odd composite, or null when it was not found with this constant. */
function rho(n: bigint, constant: bigint): bigint | null {
  const next = (x: bigint) => (x * x + constant) % n;
  let [fast, saved, slow] = [2n, 2n, 2n];
  let divisor = 1n;
  for (let length = 1, steps = 0; divisor === 1n && steps < RHO_STEPS; length *= 2) {
    slow = fast;
    for (let i = 0; i < length; i++) fast = next(fast);
    for (let done = 0; done < length && divisor === 1n; done += RHO_BATCH) {
      saved = fast;
      let product = 1n;
      for (let i = 0; i < Math.min(RHO_BATCH, length - done); i++, steps++) {
        fast = next(fast);
        product = (product * magnitude(slow - fast)) % n;
      }
      divisor = gcd(product, n);
    }
  }
  if (divisor === n) {
    divisor = 1n;
    while (divisor === 1n) {
      saved = next(saved);
      divisor = gcd(magnitude(slow - saved), n);
    }
  }
  return divisor === 1n || divisor === n ? null : divisor;
}

const RHO_CONSTANTS = [1n, 3n, 5n, 7n, 11n, 13n];

function split(n: bigint): bigint {
  for (const constant of RHO_CONSTANTS) {
    const divisor = rho(n, constant);
    if (divisor !== null) return divisor;
  }
  throw new InputError({
    where: String(n),
    problem: 'its factors are too large to be found here',
    remedy: 'Give a number with at most one prime factor above twelve digits',
  });
}

function largeFactors(n: bigint): bigint[] {
  if (n === 1n) return [];
  if (isPrime(n)) return [n];
  const divisor = split(n);
  return [...largeFactors(divisor), ...largeFactors(n / divisor)];
}

const ascending = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Prime factors in ascending order, with repetition: 60n → [2n, 2n, 3n, 5n].
 * @throws InputError below 2, and where the factors cannot be found or proven prime.
 */
export function primeFactors(n: bigint): bigint[] {
  if (n < 2n) {
    throw new InputError({
      where: String(n),
      problem: 'only numbers from 2 on have prime factors',
    });
  }
  const factors: bigint[] = [];
  let rest = n;
  for (const prime of SMALL_PRIMES) {
    for (; rest % prime === 0n; rest /= prime) factors.push(prime);
  }
  return [...factors, ...largeFactors(rest)].sort(ascending);
}
