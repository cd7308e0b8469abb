/** A number as a row for reinforcement fine-tuning: messages, number, factors and metadata. */
import { FACTORIZATION_ALGORITHMS } from '../../util/factorization-algorithms.js';
import { Rng } from '../../util/rng.js';
import { type DrawnNumber, type DrawOptions, drawNumbers, type NumberKind } from './numbers.js';
import { primeFactors } from './primes.js';
import { isFactorization } from './verify.js';

interface Message {
  readonly role: 'system' | 'user';
  readonly content: string;
}

interface FactorizationMetadata {
  readonly tier: number;
  readonly difficulty: string;
  readonly digits: number;
  readonly kind: NumberKind;
  readonly is_prime: boolean;
  readonly distinct_factors: number;
  /** The simplest algorithm that suits the size. */
  readonly algorithm: string;
  /** Whether the prompt names the algorithms and asks for checks. */
  readonly enhanced: boolean;
}

/** A type and not an interface, so that a row is also a `JsonRow`. */
export type FactorizationRow = {
  readonly messages: readonly Message[];
  readonly number: number;
  /** Ascending, with repetition. */
  readonly factors: readonly number[];
  readonly metadata: FactorizationMetadata;
};

const ANSWER_FORM =
  'Answer with one JSON object: "factors" (the prime factors in ascending order, repeated ones repeated), "algorithm" (one name), "reasoning" (a list of steps), "time_taken" (seconds) and "confidence" (0 to 1).';

const vocabulary = FACTORIZATION_ALGORITHMS.map(({ name, about }) => `${name} (${about})`).join(
  '; ',
);

/** The prompt of the enhanced rows. */
export const ENHANCED_PROMPT = `You are an expert in number theory who factorizes whole numbers exactly. Choose an algorithm that suits the size of the number, write one step of work in each entry of the reasoning, check that every factor is prime, and check that the product of the factors is the number. Algorithms: ${vocabulary}.`;

/** What the user asks. */
export const factorizationQuestion = (number: number | string): string =>
  `Find the prime factorization of ${number}. ${ANSWER_FORM}`;

function messagesFor(number: number, enhanced: boolean): Message[] {
  const user: Message = { role: 'user', content: factorizationQuestion(number) };
  return enhanced ? [{ role: 'system', content: ENHANCED_PROMPT }, user] : [user];
}

export interface RowOptions extends DrawOptions {
  /** Share of rows with the enhanced prompt. */
  readonly enhancedShare: number;
}

/** Rows of one tier and split, each factorization checked by division. */
function tierRows(options: RowOptions): FactorizationRow[] {
  const { seed, tier, split, enhancedShare } = options;
  const rng = Rng.of(seed, 'factorization-prompt', tier.tier, split);
  return drawNumbers(options).map((drawn) => rowOf(drawn, options, rng.uniform() < enhancedShare));
}

/** The same for several tiers, and several splits of each. */
export const rowsOfTiers = (tiers: readonly (readonly RowOptions[])[]): FactorizationRow[][][] =>
  tiers.map((splits) => splits.map(tierRows));

/** The first whose range reaches the size. */
function simplestAlgorithm(digits: number): string {
  const found = FACTORIZATION_ALGORITHMS.find((each) => digits <= each.digits[1]);
  return (found ?? FACTORIZATION_ALGORITHMS.at(-1)!).name;
}

function rowOf(
  { number, kind }: DrawnNumber,
  { tier }: RowOptions,
  enhanced: boolean,
): FactorizationRow {
  const digits = String(number).length;
  const factors = primeFactors(BigInt(number)).map(Number);
  if (!isFactorization(number, factors)) {
    throw new Error(`${number} is not the product of the primes ${factors.join(', ')}`);
  }
  return {
    messages: messagesFor(number, enhanced),
    number,
    factors,
    metadata: {
      tier: tier.tier,
      difficulty: tier.difficulty,
      digits,
      kind,
      is_prime: factors.length === 1,
      distinct_factors: new Set(factors).size,
      algorithm: simplestAlgorithm(digits),
      enhanced,
    },
  };
}
