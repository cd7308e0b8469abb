/** A strategy as an evaluation calls it: one completion an example, the chosen one, with its facts. */
import type { Complete, Solution, StrategyFacts } from '../../evaluate/index.js';
import { questionOf, solveAll } from '../../evaluate/index.js';
import type { SampledCompletion } from '../../report/index.js';
import type { Completion, Sampler, SamplingParams } from '../../rollout/index.js';
import { longestPrompt } from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';
import type { EvaluateOptions } from './evaluate-model.js';
import { contextOf, strategyOptions, writerOf } from './strategy.js';

interface Completer {
  readonly complete: Complete;
  readonly factsOf: (id: string) => StrategyFacts | undefined;
}

export function strategyCompleter(
  sampler: Pick<Sampler, 'generate'>,
  options: EvaluateOptions & {
    readonly params: SamplingParams;
    readonly onCompletion?: (completion: Completion) => void;
  },
): Completer {
  const { keys, inputs, params, sandbox = null, signal, onCompletion } = options;
  const voteGrade = options.graders?.voteGrade ?? null;
  const { prompts, tokenizer, maxPositions, grade } = inputs;
  const longest = longestPrompt(prompts);
  const writer = writerOf(sampler, {
    tokenizer,
    params,
    context: Math.min(contextOf(keys, longest), maxPositions),
    render: renderOptions(keys, 'question'),
    ...(onCompletion && { onCompletion }),
  });
  const facts = new Map<string, StrategyFacts>();
  return {
    factsOf: (id) => facts.get(id),
    complete: async (items) => {
      const problems = items.map(({ id, index, row }) => ({
        id,
        question: questionOf(row),
        promptIds: prompts[index]!.promptIds,
        row,
      }));
      const solutions = await solveAll(problems, {
        writer,
        options: strategyOptions(keys, { grade, sandbox, voteGrade, ...(signal && { signal }) }),
      });
      for (const solution of solutions) facts.set(solution.problem.id, factsOf(solution));
      return solutions.map((solution) => chosenCompletion(solution, keys));
    },
  };
}

/** What the files say of a solution beside its text. */
export function factsOf(solution: Solution): StrategyFacts {
  const { candidates } = solution;
  const sum = (of: (candidate: Solution['candidates'][number]) => number) =>
    candidates.reduce((total, candidate) => total + of(candidate), 0);
  return {
    candidates: candidates.length,
    agreement: solution.agreement,
    tokens: solution.tokens,
    stopped: solution.stopped,
    executions: sum(({ executions }) => executions),
    failed_executions: sum(({ failedExecutions }) => failedExecutions),
    selections: solution.selections,
    invalid_selections: solution.invalidSelections,
  };
}

/** The chosen candidate; an empty completion where the time was up before there was one. */
export function chosenCompletion(
  { problem, candidates, chosen }: Solution,
  { strategy }: Pick<EvaluateOptions['keys'], 'strategy'>,
): SampledCompletion {
  const candidate = chosen === null ? undefined : candidates[chosen];
  const { executions: calls = 0, failedExecutions: failures = 0 } = candidate ?? {};
  return {
    requestId: problem.id,
    sampleIndex: 0,
    promptIds: problem.promptIds,
    ids: candidate?.ids ?? [],
    text: candidate?.text ?? '',
    logprobs: candidate?.logprobs ?? new Float32Array(),
    finishReason: candidate?.finishReason ?? 'aborted',
    adapter: candidate?.adapter ?? null,
    seconds: candidate?.seconds ?? 0,
    ...(strategy === 'tir' && { tools: { calls, failures } }),
  };
}
