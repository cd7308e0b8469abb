/** Problems → solutions, by the strategy named. */
import { groupBy } from '../../util/group.js';
import { type Budget, openBudget } from './budget.js';
import { candidateOf, chooseByVote } from './choose.js';
import { type Selection, select } from './genselect.js';
import { reasonWithCode } from './tir.js';
import type {
  Candidate,
  Means,
  Problem,
  Solution,
  StopReason,
  StrategyOptions,
  Writer,
} from './types.js';

/**
 * A solution for each problem, in their order. When the time is up, it is made of what there is by then.
 * @throws the signal's reason when the caller aborts
 * @throws InputError when the token budget leaves nothing for a solution
 */
export async function solveAll(
  problems: readonly Problem[],
  { writer, options }: { readonly writer: Writer; readonly options: StrategyOptions },
): Promise<readonly Solution[]> {
  const budget = openBudget(options);
  try {
    const means = { writer, options, budget };
    const candidates =
      options.strategy === 'tir'
        ? await reasonWithCode(problems, means)
        : await sampleCandidates(problems, means);
    const entries = problems.map((problem) => ({
      problem,
      candidates: candidates.get(problem.id) ?? [],
    }));
    const selected =
      options.strategy === 'genselect'
        ? await select(entries, means)
        : new Map<string, Selection>();
    options.signal?.throwIfAborted();
    return entries.map((entry) =>
      solution(entry, {
        budget,
        selection: selected.get(entry.problem.id),
        samples: samplesAsked(options),
      }),
    );
  } finally {
    budget.release();
  }
}

const samplesAsked = ({ strategy, samples }: StrategyOptions): number =>
  strategy === 'greedy' ? 1 : samples;

async function sampleCandidates(
  problems: readonly Problem[],
  { writer, options, budget }: Means,
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const n = samplesAsked(options);
  const requests = problems.map(({ id, promptIds }) => ({
    id,
    promptIds,
    n,
    maxNewTokens: budget.perSample,
  }));
  const completions = await writer.write(requests, { signal: budget.signal });
  options.signal?.throwIfAborted();
  const byProblem = groupBy(completions, ({ requestId }) => requestId);
  const entries = problems.map(async (problem) => {
    const own = (byProblem.get(problem.id) ?? []).filter(({ ids }) => ids.length > 0);
    const candidates = own.map((completion) => candidateOf(completion, problem, options));
    return [problem.id, await Promise.all(candidates)] as const;
  });
  return new Map(await Promise.all(entries));
}

interface Ending {
  readonly budget: Budget;
  readonly selection: Selection | undefined;
  /** Candidates that were asked for. */
  readonly samples: number;
}

function solution(
  { problem, candidates }: { readonly problem: Problem; readonly candidates: readonly Candidate[] },
  means: Ending,
): Solution {
  const { selection } = means;
  const byVote = chooseByVote(candidates);
  const chosen = selection === undefined ? byVote.chosen : selection.chosen;
  return {
    problem,
    candidates,
    chosen,
    answer: chosen === null ? null : (candidates[chosen]?.answer ?? null),
    agreement: selection === undefined ? byVote.agreement : null,
    tokens: candidates.reduce((sum, { tokens }) => sum + tokens, selection?.tokens ?? 0),
    stopped: stopReason(candidates, means),
    selections: selection?.selections ?? 0,
    invalidSelections: selection?.invalid ?? 0,
  };
}

/** Candidates that were not begun are missing, those that were have been aborted. */
function stopReason(
  candidates: readonly Candidate[],
  { budget, selection, samples }: Ending,
): StopReason {
  const isCut = candidates.some(({ finishReason }) => finishReason === 'aborted');
  if (budget.isTimeUp() && (isCut || candidates.length < samples)) return 'time';
  const isShort = candidates.some(({ finishReason }) => finishReason === 'length');
  return selection?.isOutOfTokens === true || (budget.isTight && isShort) ? 'tokens' : 'done';
}
