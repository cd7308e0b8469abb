/** Candidates, and the vote that picks one. */
import type { SampledCompletion } from '../../report/index.js';
import { mean } from '../../util/numbers.js';
import { vote } from '../majority.js';
import type { Candidate, Problem, StrategyOptions } from './types.js';

/** A completion with its answer and weight. */
export async function candidateOf(
  completion: SampledCompletion,
  problem: Problem,
  options: StrategyOptions,
): Promise<Candidate> {
  const { text, logprobs } = completion;
  const weight = await weightOf(text, { logprobs, problem, options });
  return { ...plainCandidate(completion, problem, options), weight };
}

/** A completion with its answer, one vote, and no code. */
export function plainCandidate(
  { text, ids, logprobs, finishReason, adapter, seconds }: SampledCompletion,
  { row }: Problem,
  { answerOf }: Pick<StrategyOptions, 'answerOf'>,
): Candidate {
  return {
    text,
    answer: answerOf(text, row),
    ids,
    logprobs,
    finishReason,
    adapter,
    seconds,
    tokens: ids.length,
    weight: 1,
    executions: 0,
    failedExecutions: 0,
  };
}

/** 1 in a plain vote; else the reward (not below 0), or exp of the mean log-probability. */
async function weightOf(
  text: string,
  {
    logprobs,
    problem,
    options,
  }: {
    readonly logprobs: Float32Array;
    readonly problem: Problem;
    readonly options: StrategyOptions;
  },
): Promise<number> {
  if (options.strategy !== 'weighted_vote') return 1;
  if (options.rewardOf !== null) {
    const row = { ...problem.row, question: problem.question };
    return Math.max(0, (await options.rewardOf(text, row)) ?? 0);
  }
  return Math.exp(mean(logprobs) ?? Number.NEGATIVE_INFINITY);
}

export interface Choice {
  readonly chosen: number | null;
  readonly agreement: number | null;
}

/** The first candidate of the winning answer; without any answer the first candidate. */
export function chooseByVote(candidates: readonly Candidate[]): Choice {
  const { winner, weight, total } = vote(candidates);
  if (winner !== null) return { chosen: winner, agreement: total > 0 ? weight / total : null };
  return { chosen: candidates.length > 0 ? 0 : null, agreement: null };
}
