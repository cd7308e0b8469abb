/**
 * The four parts of the factorization grader, each 0 to 1, and their weighted sum: correctness .60,
 * algorithm .20, reasoning .15 (by rule), efficiency .05. Rows hold `number`, as a number or its digits.
 */
import type { Reward, RewardFactory, RewardRow } from '../reward.js';
import { algorithmNamed, suits } from './algorithms.js';
import { type FactorizationAnswer, readAnswer, wholeNumber } from './answer.js';
import { isPrime } from './primes.js';
import { type FactorizationTask, reasoningScore } from './reasoning.js';

const WEIGHTS = { correctness: 0.6, algorithm: 0.2, reasoning: 0.15, efficiency: 0.05 } as const;

type Part = (answer: FactorizationAnswer, number: bigint) => number;

/** 1 when all factors are prime and multiply to the number. */
const correctness: Part = ({ factors }, number) => (isFactorization(factors, number) ? 1 : 0);

function isFactorization(factors: readonly bigint[] | null, number: bigint): boolean {
  if (factors === null || factors.length === 0) return false;
  let product = 1n;
  for (const factor of factors) {
    product *= factor;
    if (factor < 2n || product > number) return false;
  }
  return product === number && factors.every(isPrime);
}

/** 1 for an algorithm that suits the size, .25 for another known one, 0 for an unknown one. */
const algorithm: Part = (answer, number) => {
  const named = answer.algorithm === null ? null : algorithmNamed(answer.algorithm);
  if (named === null) return 0;
  return suits(named, String(number).length) ? 1 : 0.25;
};

/** By rule; primes are the answer's own when they are right, else reasoning cannot name them all. */
const reasoning: Part = ({ reasoning: steps, factors }, number) => {
  if (steps === null) return 0;
  const primes = isFactorization(factors, number) ? factors! : [number];
  const task: FactorizationTask = { number, primes };
  return reasoningScore(steps, task);
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

const PARTS: Readonly<Record<keyof typeof WEIGHTS, Part>> = {
  correctness,
  algorithm,
  reasoning,
  efficiency,
};

const rewardOf =
  (score: Part): RewardFactory =>
  (): Reward =>
  (completion, row) => {
    const number = taskNumber(row);
    if (number === null) return null;
    const answer = readAnswer(completion);
    return answer === null ? 0 : score(answer, number);
  };

/** Null for rows of another task. */
function taskNumber(row: RewardRow): bigint | null {
  const number = wholeNumber(row.number);
  return number !== null && number > 1n ? number : null;
}

export const factorizationRewards = {
  factorization: rewardOf((answer, number) =>
    Math.min(
      1,
      (Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]).reduce(
        (sum, part) => sum + WEIGHTS[part] * PARTS[part](answer, number),
        0,
      ),
    ),
  ),
  factorization_correctness: rewardOf(correctness),
  factorization_algorithm: rewardOf(algorithm),
  factorization_reasoning: rewardOf(reasoning),
  factorization_efficiency: rewardOf(efficiency),
} satisfies Record<string, RewardFactory>;
