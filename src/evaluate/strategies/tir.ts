/**
 * Tool-integrated reasoning: the model writes code in fenced blocks, each is run, its output is appended,
 * and the model goes on, for a bounded number of rounds (Gou et al. 2023, ToRA, arXiv 2309.17452). Ids
 * go back to the model as they were sampled.
 */
import type { SampledCompletion } from '../../report/index.js';
import { RunError } from '../../util/errors.js';
import type { Budget } from './budget.js';
import { BLOCK_END, codeToRun, outputBlock } from './code-blocks.js';
import type { Candidate, CodeSession, Problem, StrategyOptions, Writer } from './types.js';

/** One solution in the making. */
interface Draft {
  readonly problem: Problem;
  readonly key: string;
  /** Tokens after the prompt: sampled ones, and those of outputs. */
  readonly ids: number[];
  readonly logprobs: number[];
  text: string;
  rounds: number;
  failed: number;
  finishReason: string;
  adapter: string | null;
  seconds: number;
  session: CodeSession | null;
  isOpen: boolean;
}

/** Candidates of each problem, `samples` of them. */
export async function reasonWithCode(
  problems: readonly Problem[],
  {
    writer,
    options,
    budget,
  }: { readonly writer: Writer; readonly options: StrategyOptions; readonly budget: Budget },
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const drafts = problems.flatMap((problem) =>
    Array.from({ length: options.samples }, (_, i) => newDraft(problem, i)),
  );
  try {
    for (;;) {
      const open = drafts.filter(({ isOpen }) => isOpen);
      if (open.length === 0 || budget.signal.aborted) break;
      await continueAll(open, { writer, options, budget });
      await Promise.all(open.map((draft) => runCode(draft, { writer, options })));
    }
  } finally {
    await Promise.all(drafts.map(({ session }) => session?.close()));
  }
  return new Map(
    problems.map((problem) => [
      problem.id,
      drafts.filter((draft) => draft.problem === problem).map((draft) => candidate(draft, options)),
    ]),
  );
}

interface Means {
  readonly writer: Writer;
  readonly options: StrategyOptions;
  readonly budget: Budget;
}

function newDraft(problem: Problem, index: number): Draft {
  return {
    problem,
    key: `${problem.id}/${index}`,
    ids: [],
    logprobs: [],
    text: '',
    rounds: 0,
    failed: 0,
    finishReason: 'aborted',
    adapter: null,
    seconds: 0,
    session: null,
    isOpen: true,
  };
}

/** Samples each draft on to the end of its next block, or to its end. */
async function continueAll(drafts: readonly Draft[], means: Means): Promise<void> {
  const { writer, budget } = means;
  const requests = drafts.flatMap((draft) => {
    const promptIds = [...draft.problem.promptIds, ...draft.ids];
    const room = Math.min(
      budget.perSample - draft.logprobs.length,
      writer.context - promptIds.length,
    );
    if (room < 1) {
      draft.isOpen = false;
      draft.finishReason = 'length';
      return [];
    }
    return [
      {
        id: `${draft.key}/${draft.rounds}/${draft.ids.length}`,
        promptIds,
        n: 1,
        maxNewTokens: room,
      },
    ];
  });
  if (requests.length === 0) return;
  const completions = await writer.write(requests, { signal: budget.signal, stop: [BLOCK_END] });
  const byId = new Map(completions.map((completion) => [completion.requestId, completion]));
  for (const draft of drafts) {
    const completion = byId.get(`${draft.key}/${draft.rounds}/${draft.ids.length}`);
    if (completion !== undefined) take(draft, completion, means);
  }
}

function take(draft: Draft, completion: SampledCompletion, { writer }: Means): void {
  const { ids, logprobs, finishReason, adapter, seconds } = completion;
  const last = ids.at(-1);
  const hasEnded = last !== undefined && writer.isEnd(last);
  const spoken = hasEnded ? ids.slice(0, -1) : ids;
  draft.ids.push(...spoken);
  draft.logprobs.push(...logprobs);
  draft.text += writer.decode(spoken);
  draft.finishReason = finishReason;
  draft.adapter = adapter;
  draft.seconds += seconds;
  const stoppedAtBlock = finishReason === 'stop' && !hasEnded && ids.length > 0;
  draft.isOpen = stoppedAtBlock || (finishReason === 'stop' && codeToRun(draft.text) !== null);
}

/** Runs the code block that a draft ends with, and puts its output behind it. */
async function runCode(draft: Draft, { writer, options }: Omit<Means, 'budget'>): Promise<void> {
  const code = draft.isOpen ? codeToRun(draft.text) : null;
  if (code === null) return;
  if (draft.rounds >= options.maxRounds) {
    draft.isOpen = false;
    draft.finishReason = 'rounds';
    return;
  }
  if (options.executor === null) {
    throw new RunError({ where: 'tir', problem: 'there is nothing to run code with' });
  }
  draft.session ??= await options.executor.open();
  const { output, isError } = await draft.session.run(code);
  draft.rounds += 1;
  if (isError) draft.failed += 1;
  const block = outputBlock(draft.text, output);
  draft.text += block;
  draft.ids.push(...writer.encode(block));
}

function candidate(draft: Draft, options: StrategyOptions): Candidate {
  const { text, ids, problem, finishReason, adapter, seconds, rounds, failed } = draft;
  const logprobs = Float32Array.from(draft.logprobs);
  return {
    text,
    answer: options.answerOf(text, problem.row),
    ids,
    logprobs,
    finishReason,
    adapter,
    tokens: logprobs.length,
    weight: 1,
    seconds,
    executions: rounds,
    failedExecutions: failed,
  };
}
