/**
 * The pairs of the learning test of DPO, of the problems whose units carry or borrow. Both answers work the sum
 * out digit by digit in the quickstart's format; the rejected one forgets the carry:
 *
 *   chosen    <start_working_out>37+48: 7+8=15, 3+4+1=8, 85<end_working_out><SOLUTION>85</SOLUTION>
 *   rejected  <start_working_out>37+48: 7+8=15, 3+4=7, 75<end_working_out><SOLUTION>75</SOLUTION>
 */
import {
  columnSteps,
  type Problem,
  solve,
  writeWorking,
} from '../../src/data/arithmetic-working.js';
import type { ArithmeticRow } from '../../src/data/index.js';

export interface LearningPair {
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}

const answer = (working: string, result: number) =>
  `<start_working_out>${working}<end_working_out><SOLUTION>${result}</SOLUTION>`;

const carries = (problem: Problem) => columnSteps(problem)[0]!.carry === 1;

/** Of operands below 100, without the carry. */
function forgetful(problem: Problem): string {
  const { operation, a, b } = problem;
  const [tens, others] = [Math.floor(a / 10), Math.floor(b / 10)];
  const [sign, sum] = operation === 'add' ? ['+', tens + others] : ['-', tens - others];
  const result = 10 * sum + (solve(problem) % 10);
  const units = columnSteps(problem)[0]!.text;
  const working = `${a}${sign}${b}: ${units}, ${tens}${sign}${others}=${sum}, ${result}`;
  return answer(working, result);
}

export const preferencePairs = (rows: readonly ArithmeticRow[]): LearningPair[] =>
  rows.filter(carries).map((row) => ({
    question: row.question,
    chosen: answer(writeWorking(row, 'careful'), solve(row)),
    rejected: forgetful(row),
  }));
