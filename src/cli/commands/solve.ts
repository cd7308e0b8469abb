/** `lorikeet solve` */
import { solveSchema } from '../../config/index.js';
import type { SolveResult } from '../../recipes/solve.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';

export const solve = defineCommand({
  name: 'solve',
  summary: 'Solve one problem: greedily, by a vote, with code, or by selection',
  schema: solveSchema,
  positional: { key: 'problem', isList: false },
  examples: [
    "lorikeet solve 'What is 17 + 25?' model=outputs/grpo strategy=majority_vote --verbose",
    "lorikeet solve --problem 'Sum of the primes below 50?' model=DIR strategy=tir --raw",
  ],
  plan: (config) => [`solves by ${config.strategy} with ${config.model}: ${config.problem}`],
  run: async (config, context) =>
    (await import('../../recipes/solve.js')).runSolve(config, context),
  print: (result) => readable(result),
});

/** The solution in words, what it cost, and the answer last. */
function readable({ problem, strategy, solution, facts, answer, seconds }: SolveResult): string {
  const agreement =
    facts.agreement === null ? '' : `, ${(100 * facts.agreement).toFixed(0)}% agree`;
  const cost = `${counted(facts.tokens, 'token')}, ${seconds.toFixed(1)} s, ${facts.stopped}`;
  return [
    `Problem: ${problem}`,
    '',
    solution?.trim() ?? 'no solution',
    '',
    `Strategy: ${strategy}, ${counted(facts.candidates, 'candidate')}${agreement}, ${cost}`,
    `Answer: ${answer ?? 'none'}`,
  ].join('\n');
}
