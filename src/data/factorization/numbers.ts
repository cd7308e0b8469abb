/** Numbers of a tier, of three kinds, each number in one split only. */
import { InputError } from '../../util/errors.js';
import { Rng } from '../../util/rng.js';
import { isPrime } from './primes.js';
import type { Tier } from './tiers.js';

/** `uniform`: any number; `smooth`: a product of small primes; `semiprime`: of two primes of like size. */
export type NumberKind = 'uniform' | 'smooth' | 'semiprime';

export const SPLIT_NAMES = ['train', 'valid', 'test'] as const;
export type FactorizationSplit = (typeof SPLIT_NAMES)[number];
export const SPLIT_SHARES = [0.8, 0.1, 0.1] as const;

/** Which split a number belongs to: a function of the seed and the number alone. */
export function splitOfNumber(seed: number, n: number): FactorizationSplit {
  const point = Rng.of(seed, 'factorization-split', n).uniform();
  if (point < SPLIT_SHARES[0]) return 'train';
  return point < SPLIT_SHARES[0] + SPLIT_SHARES[1] ? 'valid' : 'test';
}

export interface DrawnNumber {
  readonly number: number;
  readonly kind: NumberKind;
}

const SMALL_PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31];

function smooth(rng: Rng, { low, high }: Tier): number {
  let product = 1;
  while (product < low) product *= rng.pick(SMALL_PRIMES);
  return product <= high ? product : 0;
}

function primeFrom(start: number): number {
  let n = Math.max(2, start);
  while (!isPrime(BigInt(n))) n++;
  return n;
}

function semiprime(rng: Rng, { low, high }: Tier): number {
  const target = rng.int(low, high);
  const root = Math.sqrt(target);
  const p = primeFrom(rng.int(Math.max(2, Math.floor(root / 4)), Math.floor(root)));
  const product = p * primeFrom(Math.floor(target / p));
  return product >= low && product <= high ? product : 0;
}

const KINDS: readonly {
  kind: NumberKind;
  share: number;
  draw: (rng: Rng, tier: Tier) => number;
}[] = [
  { kind: 'uniform', share: 0.5, draw: (rng, { low, high }) => rng.int(low, high) },
  { kind: 'smooth', share: 0.25, draw: smooth },
  { kind: 'semiprime', share: 0.25, draw: semiprime },
];

function pickKind(rng: Rng) {
  let point = rng.uniform();
  for (const kind of KINDS) {
    point -= kind.share;
    if (point < 0) return kind;
  }
  return KINDS[0]!;
}

export interface DrawOptions {
  readonly seed: number;
  readonly tier: Tier;
  readonly split: FactorizationSplit;
  readonly count: number;
}

/** Draws in a row that give no new number before one that is there already is taken again. */
const PATIENCE = 60;
/** Draws in a row that give no number of the split at all. */
const MAX_DRAWS = 5000;

/**
 * Numbers of one tier and split; a shorter list is the beginning of a longer one. A small tier that runs out
 * of new numbers repeats some, in the same split.
 * @throws InputError when the tier has no number of this split.
 */
export function drawNumbers({ seed, tier, split, count }: DrawOptions): DrawnNumber[] {
  const rng = Rng.of(seed, 'factorization', tier.tier, split);
  const seen = new Set<number>();
  const drawn: DrawnNumber[] = [];
  for (let misses = 0, repeats = 0; drawn.length < count; ) {
    const { kind, draw } = pickKind(rng);
    const number = draw(rng, tier);
    if (number < tier.low || splitOfNumber(seed, number) !== split) {
      if (++misses > MAX_DRAWS) throw noNumbers(tier, split);
      continue;
    }
    if (seen.has(number) && ++repeats <= PATIENCE) continue;
    misses = 0;
    repeats = 0;
    seen.add(number);
    drawn.push({ number, kind });
  }
  return drawn;
}

function noNumbers({ tier, low, high }: Tier, split: string): InputError {
  return new InputError({
    where: `tier ${tier}, ${split}`,
    problem: `the numbers from ${low} to ${high} give none for ${split}`,
    remedy: 'Raise max_value, take another seed, or leave the tier out',
  });
}
