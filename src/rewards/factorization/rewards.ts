/**
 * The four parts of the factorization grader, each 0 to 1, and their weighted sum: correctness .60,
 * algorithm .20, reasoning .15 (by rule), efficiency .05. Rows hold `number`, as a number or its digits.
 */
import { sum } from '../../util/numbers.js';
import type { RewardFactory } from '../reward.js';
import { algorithmNamed, suits } from './algorithms.js';
import { type FactorizationAnswer, readAnswer, wholeNumber } from './answer.js';
import { isFactorization } from './check.js';
import { reasoningScore } from './reasoning.js';

type Part = (answer: FactorizationAnswer, number: bigint) => number;

/** 1 when all factors are prime and multiply to the number. */
const correctness: Part = ({ factors }, number) => (isFactorization(number, factors) ? 1 : 0);

/** 1 for an algorithm that suits the size, .25 for another known one, 0 for an unknown one. */
const algorithm: Part = (answer, number) => {
  const named = answer.algorithm === null ? null : algorithmNamed(answer.algorithm);
  if (named === null) return 0;
  return suits(named, String(number).length) ? 1 : 0.25;
};

/** By rule; primes are the answer's own when they are right, else reasoning cannot name them all. */
const reasoning: Part = ({ reasoning: steps, factors }, number) => {
  if (steps === null) return 0;
  const primes = isFactorization(number, factors) ? factors! : [number];
  return reasoningScore(steps, { number, primes });
};

/** Seconds that factoring a number of up to 25 digits takes at most, by a method that suits it. */
const LONGEST_TIME_S = 60;
/** Steps beyond one for each factor. */
const SPARE_STEPS = 8;

/** .5 for a plausible time and confidence, .5 for no more steps than the factors need. */
const efficiency: Part = ({ timeTaken, confidence, reasoning: steps, factors }) => {
  const isTimed = timeTaken !== null && timeTaken >= 0 && timeTaken <= LONGEST_TIME_S;
  const isSure = confidence !== null && confidence >= 0 && confidence <= 1;
  const isShort =
    steps !== null && steps.length > 0 && steps.length <= 2 * (factors?.length ?? 0) + SPARE_STEPS;
  return (isTimed && isSure ? 0.5 : 0) + (isShort ? 0.5 : 0);
};

const WEIGHTED = [
  [0.6, correctness],
  [0.2, algorithm],
  [0.15, reasoning],
  [0.05, efficiency],
] as const;

const total: Part = (answer, number) =>
  Math.min(1, sum(WEIGHTED.map(([weight, part]) => weight * part(answer, number))));

/** 0 where a completion holds no answer; null for rows of another task. */
const rewardOf =
  (part: Part): RewardFactory =>
  () =>
  (completion, row) => {
    const number = wholeNumber(row.number);
    if (number === null || number <= 1n) return null;
    const answer = readAnswer(completion);
    return answer === null ? 0 : part(answer, number);
  };

export const factorizationRewards = {
  factorization: rewardOf(total),
  factorization_correctness: rewardOf(correctness),
  factorization_algorithm: rewardOf(algorithm),
  factorization_reasoning: rewardOf(reasoning),
  factorization_efficiency: rewardOf(efficiency),
} satisfies Record<string, RewardFactory>;
