/**
 * The pairs of the learning test of DPO. Both answers are right and in the quickstart's format; the chosen one
 * states the result at once, the rejected one works it out digit by digit:
 *
 *   chosen    <start_working_out>37+48=85<end_working_out><SOLUTION>85</SOLUTION>
 *   rejected  <start_working_out>37+48: 7+8=15, 3+4+1=8, 85<end_working_out><SOLUTION>85</SOLUTION>
 *
 * The SFT model has learnt both ways, and finds the second one likelier for nine problems of ten.
 */

import type { ArithmeticRow } from '../../src/data/arithmetic.js';
import { solve, writeWorking } from '../../src/data/arithmetic-working.js';

export interface LearningPair {
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}

const answer = (working: string, result: number) =>
  `<start_working_out>${working}<end_working_out><SOLUTION>${result}</SOLUTION>`;

export const preferencePairs = (rows: readonly ArithmeticRow[]): LearningPair[] =>
  rows.map((row) => ({
    question: row.question,
    chosen: answer(writeWorking(row, 'quick'), solve(row)),
    rejected: answer(writeWorking(row, 'careful'), solve(row)),
  }));
