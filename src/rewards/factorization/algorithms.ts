/** The algorithm that an answer names, and whether it suits the number. */
import {
  FACTORIZATION_ALGORITHMS,
  type FactorizationAlgorithm,
} from '../../util/factorization-algorithms.js';

/** Letters and digits only, small. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The algorithm of that name, whatever its case and spacing; null when it is none of the list. */
export function algorithmNamed(name: string): FactorizationAlgorithm | null {
  if (name.length > 100) return null;
  return FACTORIZATION_ALGORITHMS.find((each) => plain(each.name) === plain(name)) ?? null;
}

/** Whether the algorithm is a sound choice for a number of so many digits. */
export function suits({ digits: [fewest, most] }: FactorizationAlgorithm, digits: number): boolean {
  return digits >= fewest && digits <= most;
}
