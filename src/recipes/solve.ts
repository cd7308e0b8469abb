/** `lorikeet solve`: one problem by a strategy; and the same as a library call for many. */
import type { SolveConfig } from '../config/index.js';
import {
  mathGrader,
  numericGrader,
  type Problem,
  type Solution,
  type StrategyOptions,
  solveAll,
  type Writer,
} from '../evaluate/index.js';
import { type CloseStack, opening } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import type { RecipeContext } from './context.js';
import {
  checkStrategy,
  contextOf,
  openVoteRewards,
  strategyOptions,
  strategySandbox,
  writerOf,
} from './evaluation/strategy.js';
import { factsOf } from './evaluation/strategy-completer.js';
import { tagsOf } from './inputs/answer-tags.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { promptRoom } from './inputs/prompt-room.js';
import { renderOptions } from './inputs/render-options.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { openKeyedSampler } from './sampling/keyed-sampler.js';
import { samplingParams } from './sampling/sampling-params.js';

/** Solves problems with one model; `close` frees it. */
export interface Solver {
  readonly solve: (problem: string) => Promise<Solution>;
  readonly solveAll: (problems: readonly string[]) => Promise<readonly Solution[]>;
  readonly close: () => Promise<void>;
}

/** Config of a solver: that of `solve` without the problem. */
export type SolverConfig = Omit<SolveConfig, 'problem'>;

/** Tokens that the prompt of a problem may have, where the context leaves that much. */
const LONGEST_PROMPT = 1024;

/**
 * Opens the model, the sandbox that `tir` runs its code in, and the rewards that weigh votes.
 * @throws InputError on keys that contradict each other; SetupError where there is no sandbox or no such device
 */
export function openSolver(config: SolverConfig, context: RecipeContext): Promise<Solver> {
  return opening(async (stack) => {
    checkSampling(config);
    checkStrategy(config);
    const source = stack.adopt(await openModel(config, context), (own) => own.close());
    const solveMany = await solverOn(source, { config, context, stack });
    return {
      solveAll: solveMany,
      solve: async (problem) => (await solveMany([problem]))[0] as Solution,
      close: () => stack.close(),
    };
  });
}

interface SolverParts {
  readonly config: SolverConfig;
  readonly context: RecipeContext;
  /** Takes what is opened. */
  readonly stack: CloseStack;
}

async function solverOn(
  source: ModelSource,
  { config, context, stack }: SolverParts,
): Promise<Solver['solveAll']> {
  const { maxPositions } = source.spec;
  const lengths = { completion: config.max_new_tokens, context: maxPositions };
  const longest = Math.min(LONGEST_PROMPT, promptRoom('max_new_tokens', lengths));
  const maxContext = Math.min(contextOf(config, longest), maxPositions);
  context.stopsInOrder?.();
  const sandbox = stack.adopt(await strategySandbox(config), (own) => own?.dispose());
  const votes = stack.adopt(await openVoteRewards(config, context), (own) => own?.close());
  const sampler = await openKeyedSampler(source, config, {
    log: context.log,
    maxPromptLength: maxContext - config.max_new_tokens,
    maxNewTokens: config.max_new_tokens,
  });
  stack.defer(() => sampler.dispose());
  const grader = config.grader === 'math' ? mathGrader : numericGrader;
  const writer = writerOf(sampler, {
    tokenizer: source.tokenizer,
    params: samplingParams(config, config.max_new_tokens),
    context: maxContext,
    render: renderOptions(config, 'problem'),
  });
  const options = strategyOptions(config, {
    grade: grader({ tags: tagsOf(config) }),
    sandbox,
    voteGrade: votes?.grade ?? null,
    signal: context.signal,
  });
  return (problems) => solved(problems, { writer, options, longest });
}

async function solved(
  questions: readonly string[],
  {
    writer,
    options,
    longest,
  }: { readonly writer: Writer; readonly options: StrategyOptions; readonly longest: number },
): Promise<readonly Solution[]> {
  const problems = questions.map((question, i): Problem => {
    const promptIds = writer.ask(question);
    if (promptIds.length > longest) {
      throw new InputError({
        where: 'problem',
        problem: `its prompt has ${counted(promptIds.length, 'token')}, ${longest} leave room for a solution`,
        remedy: 'Shorten it, or lower max_new_tokens',
      });
    }
    return { id: String(i), question, promptIds, row: { question } };
  });
  return solveAll(problems, { writer, options });
}

export interface SolveResult {
  readonly problem: string;
  readonly strategy: string;
  readonly answer: string | null;
  readonly solution: string | null;
  readonly facts: ReturnType<typeof factsOf>;
  readonly seconds: number;
  readonly candidates: readonly {
    readonly answer: string | null;
    readonly text: string;
    readonly weight: number;
    readonly tokens: number;
    readonly finish_reason: string;
    readonly chosen: boolean;
  }[];
}

export async function runSolve(
  { problem, ...config }: SolveConfig,
  context: RecipeContext,
): Promise<SolveResult> {
  const solver = await openSolver(config, context);
  const start = performance.now();
  try {
    const solution = await solver.solve(problem);
    const seconds = (performance.now() - start) / 1000;
    const result = resultOf(solution, { strategy: config.strategy, seconds });
    if (context.verbose) for (const line of candidateLines(result)) context.log(line);
    return result;
  } finally {
    await solver.close();
  }
}

function resultOf(
  solution: Solution,
  { strategy, seconds }: { readonly strategy: string; readonly seconds: number },
): SolveResult {
  const { problem, candidates, chosen, answer } = solution;
  return {
    problem: problem.question,
    strategy,
    answer,
    solution: chosen === null ? null : (candidates[chosen]?.text ?? null),
    facts: factsOf(solution),
    seconds,
    candidates: candidates.map((candidate, i) => ({
      answer: candidate.answer,
      text: candidate.text,
      weight: candidate.weight,
      tokens: candidate.tokens,
      finish_reason: candidate.finishReason,
      chosen: i === chosen,
    })),
  };
}

/** Each candidate in words, the chosen one marked. */
function candidateLines({ candidates }: SolveResult): readonly string[] {
  return candidates.flatMap(({ answer, text, weight, tokens, finish_reason: end, chosen }, i) => [
    `${chosen ? '*' : ' '} ${i + 1}. ${answer ?? 'no answer'} (${counted(tokens, 'token')}, weight ${weight.toFixed(3)}, ${end})`,
    ...text
      .trim()
      .split('\n')
      .map((line) => `     ${line}`),
  ]);
}
