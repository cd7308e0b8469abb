/** Tool-integrated reasoning: completions with rounds of code (`writeWithCode`) as candidates. */
import { groupBy } from '../../util/group.js';
import { plainCandidate } from './choose.js';
import type { CodeCompletion } from './code-draft.js';
import { writeWithCode } from './code-rounds.js';
import type { Candidate, Means, Problem, StrategyOptions } from './types.js';

/** Candidates of each problem, `samples` of them. Outputs do not count against the length of a completion. */
export async function reasonWithCode(
  problems: readonly Problem[],
  { writer, options, budget }: Means,
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const { samples: n, executor, maxRounds, maxOutputLength, maxSessions } = options;
  const { perSample: maxNewTokens, signal } = budget;
  const requests = problems.map(({ id, promptIds }) => ({ id, promptIds, n, maxNewTokens }));
  const limits = { maxRounds, maxOutputLength, maxSessions };
  const rounds = { ...limits, writer, executor, countsOutput: false, signal };
  const completions = groupBy(await writeWithCode(requests, rounds), ({ requestId }) => requestId);
  return new Map(
    problems.map((problem) => [
      problem.id,
      (completions.get(problem.id) ?? []).map((made) => candidate(made, problem, options)),
    ]),
  );
}

function candidate(
  completion: CodeCompletion,
  problem: Problem,
  options: StrategyOptions,
): Candidate {
  return {
    ...plainCandidate(completion, problem, options),
    tokens: completion.logprobs.length,
    executions: completion.calls,
    failedExecutions: completion.failures,
  };
}
