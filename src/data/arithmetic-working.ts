/**
 * Worked solutions of a sum or difference in two styles. `careful` goes column by column from the units,
 * so that every step is one small fact; `quick` states the result at once.
 *
 * add 37, 48:      careful "37+48: 7+8=15, 3+4+1=8, 85"        quick "37+48=85"
 * subtract 52, 38: careful "52-38: 12-8=4, 5-1-3=1, 14"        quick "52-38=14"
 *
 * A carry stands as "+1" after the digits, a borrow as "-1" after the upper digit, and a column that
 * borrows shows its upper digit raised by ten. The last column of a sum keeps its carry.
 */
import type { ArithmeticOperation } from './arithmetic-text.js';

export type WorkingStyle = 'careful' | 'quick';

export interface Problem {
  readonly operation: ArithmeticOperation;
  /** Whole number >= 0. */
  readonly a: number;
  /** Whole number >= 0, at most `a` in a subtraction. */
  readonly b: number;
}

const SIGN = { add: '+', subtract: '-' } as const satisfies Record<ArithmeticOperation, string>;

export const solve = ({ operation, a, b }: Problem): number =>
  operation === 'add' ? a + b : a - b;

interface ColumnStep {
  readonly text: string;
  /** Carry or borrow into the next column. */
  readonly carry: 0 | 1;
}

function addColumn(top: number, bottom: number, carry: number): ColumnStep {
  const sum = top + bottom + carry;
  return { text: `${top}+${bottom}${carry ? '+1' : ''}=${sum}`, carry: sum > 9 ? 1 : 0 };
}

function subtractColumn(top: number, bottom: number, borrow: number): ColumnStep {
  const short = top - borrow < bottom;
  const raised = short ? top + 10 : top;
  return {
    text: `${raised}${borrow ? '-1' : ''}-${bottom}=${raised - borrow - bottom}`,
    carry: short ? 1 : 0,
  };
}

/** Column steps from the units up. */
export function columnSteps({ operation, a, b }: Problem): readonly ColumnStep[] {
  const column = operation === 'add' ? addColumn : subtractColumn;
  const width = Math.max(String(a).length, String(b).length);
  const digit = (n: number, i: number) => Math.floor(n / 10 ** i) % 10;
  const steps: ColumnStep[] = [];
  for (let i = 0; i < width; i++) {
    steps.push(column(digit(a, i), digit(b, i), steps[i - 1]?.carry ?? 0));
  }
  return steps;
}

export function writeWorking(problem: Problem, style: WorkingStyle): string {
  const { operation, a, b } = problem;
  const sum = `${a}${SIGN[operation]}${b}`;
  if (style === 'quick') return `${sum}=${solve(problem)}`;
  const steps = columnSteps(problem).map((step) => step.text);
  return `${sum}: ${steps.join(', ')}, ${solve(problem)}`;
}
