/** A worked answer in the form that the prompts ask for: trial division, written out. Data for SFT. */
import type { FactorizationRow } from './rows.js';

/** The working stands before its result, so that a model that writes in this order can use it. */
export interface FactorizationAnswer {
  readonly reasoning: readonly string[];
  readonly factors: readonly number[];
  readonly algorithm: string;
  readonly time_taken: number;
  readonly confidence: number;
}

function steps(number: number, factors: readonly number[]): string[] {
  const lines: string[] = [];
  let rest = number;
  for (const factor of factors.slice(0, -1)) {
    lines.push(`${rest} is divisible by ${factor}: ${rest} ÷ ${factor} = ${rest / factor}`);
    rest /= factor;
  }
  lines.push(`${rest} is a prime number.`);
  lines.push(`The prime factorization of ${number} is ${factors.join(' × ')}.`);
  return lines;
}

/** The time is a claim of the form's, not a measurement: it stands for the size of the number. */
export function demonstration({
  number,
  factors,
  metadata,
}: FactorizationRow): FactorizationAnswer {
  return {
    reasoning: steps(number, factors),
    factors,
    algorithm: metadata.algorithm,
    time_taken: metadata.digits / 1000,
    confidence: 0.99,
  };
}
