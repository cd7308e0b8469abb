/** Primality by Miller and Rabin, with the first 13 primes as bases. */

const BASES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n];
/** Below it the bases decide primality: ψ₁₃ of Sorenson & Webster 2015, arXiv 1509.00986. */
export const PROVEN_BOUND = 3317044064679887385961981n;

/** Whether n passes for all bases: below the bound it is then prime, above it so with overwhelming probability. */
export function passesMillerRabin(n: bigint): boolean {
  if (n < 2n) return false;
  for (const base of BASES) {
    if (n === base) return true;
    if (n % base === 0n) return false;
  }
  let odd = n - 1n;
  let twos = 0;
  for (; (odd & 1n) === 0n; odd >>= 1n) twos++;
  return BASES.every((base) => passes(n, { base, odd, twos }));
}

/** n − 1 = odd · 2^twos. */
interface Decomposition {
  readonly base: bigint;
  readonly odd: bigint;
  readonly twos: number;
}

function passes(n: bigint, { base, odd, twos }: Decomposition): boolean {
  let x = power(base, odd, n);
  if (x === 1n || x === n - 1n) return true;
  for (let i = 1; i < twos; i++) {
    x = (x * x) % n;
    if (x === n - 1n) return true;
  }
  return false;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
