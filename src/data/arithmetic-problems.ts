/** The space of arithmetic problems: every sum within an operand range, by level, and its hold-outs. */
import { Rng } from '../util/rng.js';
import { columnSteps, type Problem } from './arithmetic-working.js';

/** Both operands below ten; larger without a carry or borrow; larger with one. */
export const ARITHMETIC_LEVELS = ['easy', 'medium', 'hard'] as const;
export type ArithmeticLevel = (typeof ARITHMETIC_LEVELS)[number];

export type ProblemPool = Record<ArithmeticLevel, Problem[]>;

const emptyPool = (): ProblemPool => ({ easy: [], medium: [], hard: [] });

export function levelOf(problem: Problem): ArithmeticLevel {
  if (problem.a < 10 && problem.b < 10) return 'easy';
  return columnSteps(problem).some((step) => step.carry === 1) ? 'hard' : 'medium';
}

/** The same for both orders of an addition. */
export function sumKey({ operation, a, b }: Problem): string {
  return operation === 'add' ? `${Math.min(a, b)}+${Math.max(a, b)}` : `${a}-${b}`;
}

/** All additions of two numbers from 1 to `maxOperand`, and all subtractions with a positive result. */
export function problemsByLevel(maxOperand: number): ProblemPool {
  const pool = emptyPool();
  for (let a = 1; a <= maxOperand; a++) {
    for (let b = 1; b <= maxOperand; b++) {
      const sum: Problem = { operation: 'add', a, b };
      pool[levelOf(sum)].push(sum);
      if (b >= a) continue;
      const difference: Problem = { operation: 'subtract', a, b };
      pool[levelOf(difference)].push(difference);
    }
  }
  return pool;
}

/**
 * Splits every level and operation by `sumKey`: `share` of the keys (rounded up) for test, as many for
 * validation, the rest for training.
 */
export function holdOut(
  problems: ProblemPool,
  { seed, share }: { readonly seed: number; readonly share: number },
): Record<'train' | 'valid' | 'test', ProblemPool> {
  const pools = { train: emptyPool(), valid: emptyPool(), test: emptyPool() };
  for (const level of ARITHMETIC_LEVELS) {
    for (const operation of ['add', 'subtract'] as const) {
      const here = problems[level].filter((problem) => problem.operation === operation);
      const keys = Rng.of(seed, 'arithmetic-split', level, operation).shuffle([
        ...new Set(here.map(sumKey)),
      ]);
      const size = Math.ceil(share * keys.length);
      const rank = new Map(keys.map((key, index) => [key, index]));
      for (const problem of here) {
        const at = rank.get(sumKey(problem)) ?? 0;
        pools[at < size ? 'test' : at < 2 * size ? 'valid' : 'train'][level].push(problem);
      }
    }
  }
  return pools;
}
