/**
 * The names that an answer to a factorization may give as its algorithm, each with the sizes it suits in decimal
 * digits. Ranges overlap: they say where a method is a sound choice, by its running time (trial division and
 * wheels √n; Pollard's methods about n^¼ or by smooth p − 1; elliptic curves by the smallest factor; the sieves
 * for what is left).
 */

export interface FactorizationAlgorithm {
  readonly name: string;
  readonly about: string;
  /** Fewest and most digits. */
  readonly digits: readonly [number, number];
}

/** The simplest first. */
export const FACTORIZATION_ALGORITHMS: readonly FactorizationAlgorithm[] = [
  { name: 'TrialDivision', about: 'divide by each prime up to the square root', digits: [1, 7] },
  {
    name: 'WheelFactorization',
    about: 'trial division without multiples of 2, 3, 5',
    digits: [1, 9],
  },
  { name: 'FermatFactorization', about: 'a difference of two squares', digits: [4, 12] },
  { name: 'PollardPMinus1', about: 'powers with a smooth exponent', digits: [6, 30] },
  { name: 'PollardRho', about: 'a cycle of x² + c modulo the number', digits: [6, 25] },
  { name: 'BrentRho', about: "Pollard's rho with Brent's cycles", digits: [6, 25] },
  { name: 'EllipticCurve', about: "Lenstra's method", digits: [10, 60] },
  { name: 'QuadraticSieve', about: 'a product of relations that is a square', digits: [15, 100] },
  {
    name: 'GeneralNumberFieldSieve',
    about: 'relations in a number field',
    digits: [80, Number.POSITIVE_INFINITY],
  },
];
