/**
 * Quality of the reasoning of a factorization by rule, in the judge's steps 0, .25, .5, .75, 1: there are
 * steps; they calculate, and every calculation is right; one starts from the number; together they name
 * every prime factor. One wrong calculation leaves .25, so that inventing steps does not pay.
 */

const MAX_STEPS = 200;
const MAX_STEP_LENGTH = 2000;
/** "210 ÷ 2 = 105", "2 × 3 × 5 = 30"; thousands may have commas. */
const CLAIM = /(?<![\d.,])(\d[\d,]*(?:\s*(?:[×x*·÷/])\s*\d[\d,]*)+)\s*=\s*(\d[\d,]*)(?![\d.])/g;
const NUMBER = /\d[\d,]*/g;

export interface FactorizationTask {
  readonly number: bigint;
  readonly primes: readonly bigint[];
}

/** @returns 0, .25, .5, .75 or 1 */
export function reasoningScore(steps: readonly string[], task: FactorizationTask): number {
  const told = steps.filter((step) => /\p{L}|\d/u.test(step));
  if (told.length === 0 || steps.length > MAX_STEPS) return 0;
  if (steps.some((step) => step.length > MAX_STEP_LENGTH)) return 0;
  const claims = told.flatMap(claimsOf);
  if (claims.length === 0 || claims.some((claim) => !claim.isTrue)) return 0.25;
  const startsFromNumber = claims.some(({ operands }) => operands[0] === task.number);
  const named = new Set(told.flatMap((step) => step.match(NUMBER) ?? []).map(digitsOf));
  const namesPrimes = task.primes.every((prime) => named.has(String(prime)));
  return 0.5 + (startsFromNumber ? 0.25 : 0) + (namesPrimes ? 0.25 : 0);
}

interface Claim {
  readonly operands: readonly bigint[];
  readonly isTrue: boolean;
}

function claimsOf(step: string): Claim[] {
  return [...step.matchAll(CLAIM)].map(([, left = '', right = '']) => {
    const operands = (left.match(NUMBER) ?? []).map((each) => BigInt(digitsOf(each)));
    const signs = left.match(/[×x*·÷/]/g) ?? [];
    const value = signs.reduce<bigint | null>(
      (total, sign, i) => (total === null ? null : applied(total, sign, operands[i + 1]!)),
      operands[0]!,
    );
    return { operands, isTrue: value === BigInt(digitsOf(right)) };
  });
}

const digitsOf = (text: string): string => text.replaceAll(',', '').replace(/^0+(?=\d)/, '');

/** Null when a division leaves a rest. */
function applied(total: bigint, sign: string, operand: bigint): bigint | null {
  if (sign !== '÷' && sign !== '/') return total * operand;
  return operand !== 0n && total % operand === 0n ? total / operand : null;
}
