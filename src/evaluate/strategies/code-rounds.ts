/**
 * Completions that run code: the model writes a fenced block, it is run, its output is appended, and the model
 * goes on, for a bounded number of rounds (Gou et al. 2023, ToRA, arXiv 2309.17452). Ids go back to the model
 * as they were sampled; an output is tokenized on its own. Blocks run while other completions are sampled on,
 * where the writer can do that.
 *
 * So many completions at most are under way at once (`maxSessions`), and each has one session.
 *
 * An end-of-text token straight behind a block of code is left out, and the model goes on from the output. An
 * output that leaves no room for another token is left out, too: the completion ends there by its length.
 */
import { RunError } from '../../util/errors.js';
import { Admission } from './admission.js';
import { BLOCK_END, outputBlock } from './code-blocks.js';
import { type CodeCompletion, CodeDraft } from './code-draft.js';
import type { CodeExecutor, WriteRequest, Writer, WrittenCompletion } from './types.js';

export interface CodeRoundsOptions {
  readonly writer: Writer;
  readonly executor: CodeExecutor | null;
  /** Blocks run for one completion; null: as many as there is room for. */
  readonly maxRounds: number | null;
  /** Tokens of outputs count against `maxNewTokens` of the requests; else the writer's context bounds them. */
  readonly countsOutput: boolean;
  /** Longest output that goes back to the model, characters. */
  readonly maxOutputLength: number;
  /** Completions under way at once, and so sessions; the `n` of one request, where they are more. */
  readonly maxSessions: number;
  /** Ends it with what there is, as completions that are `aborted`. */
  readonly signal?: AbortSignal;
}

const nameOf = (id: string, index: number): string => JSON.stringify([id, index]);

/** `n` completions of each request, in their order. @throws what running code throws */
export async function writeWithCode(
  requests: readonly WriteRequest[],
  options: CodeRoundsOptions,
): Promise<readonly CodeCompletion[]> {
  const { writer, signal } = options;
  const drafts = requests.flatMap((request) =>
    Array.from({ length: request.n }, (_, index) => new CodeDraft(request, index)),
  );
  const byName = new Map(
    drafts.map((draft) => [nameOf(draft.request.id, draft.sampleIndex), draft]),
  );
  const draftOf = ({ requestId, sampleIndex }: WrittenCompletion) =>
    byName.get(nameOf(requestId, sampleIndex)) as CodeDraft;
  const further = async (completion: WrittenCompletion): Promise<WriteRequest | null> => {
    const draft = draftOf(completion);
    const request = await goOn(draft, completion, options);
    if (request === null) await closeSession(draft);
    else byName.set(nameOf(request.id, 0), draft);
    return request;
  };
  try {
    for (const draft of drafts) if (roomOf(draft, options) < 1) draft.finishReason = 'length';
    const begun = drafts.flatMap((draft) => (draft.sampleIndex === 0 ? begin(draft, options) : []));
    const admission = new Admission(begun, { limit: options.maxSessions });
    const written = await writer.write(admission.first(), {
      ...(signal && { signal }),
      stop: [BLOCK_END],
      next: (completion) => admission.after(further(completion)),
    });
    for (const completion of written) {
      if (completion.finishReason === 'aborted')
        draftOf(completion).take(completion, { writer, mayRun: false });
    }
    return drafts.map((draft) => draft.completion());
  } finally {
    await Promise.all(drafts.map(closeSession));
  }
}

/** The request of all drafts of one prompt; none where there is no room. */
function begin(draft: CodeDraft, options: CodeRoundsOptions): WriteRequest[] {
  const { request } = draft;
  const room = roomOf(draft, options);
  return room < 1 ? [] : [{ ...request, maxNewTokens: room }];
}

/** What follows from a completion: the request that goes on behind it, or null at the end. */
async function goOn(
  draft: CodeDraft,
  completion: WrittenCompletion,
  options: CodeRoundsOptions,
): Promise<WriteRequest | null> {
  const { writer, maxRounds } = options;
  const mayRun = maxRounds === null || draft.calls < maxRounds;
  const step = draft.take(completion, { writer, mayRun });
  if (step === 'end') return null;
  if (step !== 'text') {
    if (!mayRun) draft.finishReason = 'rounds';
    if (!mayRun || !(await runBlock(draft, step.code, options))) return null;
  }
  const maxNewTokens = roomOf(draft, options);
  if (maxNewTokens < 1) {
    draft.finishReason = 'length';
    return null;
  }
  const id = `${draft.request.id}/${draft.sampleIndex}/${draft.calls}/${draft.length}`;
  return { id, promptIds: draft.sequence, n: 1, maxNewTokens };
}

/** Runs a block and puts its output behind it. @returns false where it leaves no room for another token */
async function runBlock(
  draft: CodeDraft,
  code: string,
  options: CodeRoundsOptions,
): Promise<boolean> {
  const { executor, writer, maxOutputLength } = options;
  if (executor === null) {
    throw new RunError({ where: 'tir', problem: 'there is nothing to run code with' });
  }
  draft.session ??= await executor.open();
  const { output, isError } = await draft.session.run(code);
  draft.calls += 1;
  if (isError) draft.failures += 1;
  const block = outputBlock(draft.text, output, maxOutputLength);
  const ids = writer.encode(block);
  if (roomOf(draft, options, ids.length) < 1) {
    draft.finishReason = 'length';
    return false;
  }
  draft.addOutput(block, ids);
  return true;
}

/** Tokens that may still be written, behind `output` more of a tool. */
function roomOf(
  { request, length, sampled }: CodeDraft,
  { writer, countsOutput }: CodeRoundsOptions,
  output = 0,
): number {
  const used = countsOutput ? length + output : sampled;
  const context = writer.context - request.promptIds.length - length - output;
  return Math.min(request.maxNewTokens - used, context);
}

async function closeSession(draft: CodeDraft): Promise<void> {
  const { session } = draft;
  draft.session = null;
  await session?.close();
}
