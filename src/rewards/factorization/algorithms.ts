/**
 * The algorithms that a factorization may name, and the sizes of number that each suits, in decimal digits.
 * The ranges overlap: they say where a method is a sound choice, by its running time (trial division and
 * wheels √n; Pollard's methods about n^¼ or by smooth p − 1; elliptic curves by the smallest factor; the
 * sieves for what is left).
 */

interface Algorithm {
  readonly name: string;
  /** Fewest and most digits. */
  readonly digits: readonly [number, number];
}

export const ALGORITHMS: readonly Algorithm[] = [
  { name: 'TrialDivision', digits: [1, 7] },
  { name: 'WheelFactorization', digits: [1, 9] },
  { name: 'FermatFactorization', digits: [4, 12] },
  { name: 'PollardPMinus1', digits: [6, 30] },
  { name: 'PollardRho', digits: [6, 25] },
  { name: 'BrentRho', digits: [6, 25] },
  { name: 'EllipticCurve', digits: [10, 60] },
  { name: 'QuadraticSieve', digits: [15, 100] },
  { name: 'GeneralNumberFieldSieve', digits: [80, Number.POSITIVE_INFINITY] },
];

/** Letters and digits only, small. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The algorithm of that name, whatever its case and spacing; null when it is none of the list. */
export function algorithmNamed(name: string): Algorithm | null {
  if (name.length > 100) return null;
  return ALGORITHMS.find((each) => plain(each.name) === plain(name)) ?? null;
}

/** Whether the algorithm is a sound choice for a number of so many digits. */
export function suits({ digits: [fewest, most] }: Algorithm, digits: number): boolean {
  return digits >= fewest && digits <= most;
}
