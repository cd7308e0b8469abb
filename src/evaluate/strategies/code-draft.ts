/** One completion with blocks of code in the making: what was sampled, what tools printed, and where it stands. */
import type { FinishReason } from '../../rollout/index.js';
import { BLOCK_END, codeToRun } from './code-blocks.js';
import type { CodeSession, WriteRequest, Writer, WrittenCompletion } from './types.js';

/** `ids` are all after the prompt; `logprobs` and `policyLogprobs` those of sampled ids alone. */
export interface CodeCompletion extends WrittenCompletion {
  /** Which ids were sampled; the others are of outputs (TRL's `tool_mask`). */
  readonly mask: readonly boolean[];
  /** Blocks that were run, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
}

/** What follows in a draft: a block to run, more text, or nothing. */
export type Step = { readonly code: string } | 'text' | 'end';

export class CodeDraft {
  readonly request: WriteRequest;
  readonly sampleIndex: number;
  text = '';
  calls = 0;
  failures = 0;
  session: CodeSession | null = null;
  /** Until it has ended by itself: cut off. */
  finishReason: FinishReason = 'aborted';
  private readonly ids: number[] = [];
  private readonly mask: boolean[] = [];
  private readonly logprobs: number[] = [];
  /** Null: the writer does not tell them. */
  private policyLogprobs: number[] | null = [];
  private adapter: string | null = null;
  private seconds = 0;

  constructor(request: WriteRequest, sampleIndex: number) {
    this.request = request;
    this.sampleIndex = sampleIndex;
  }

  get sequence(): readonly number[] {
    return [...this.request.promptIds, ...this.ids];
  }

  /** Sampled tokens. */
  get sampled(): number {
    return this.logprobs.length;
  }

  get length(): number {
    return this.ids.length;
  }

  /**
   * Takes what was written to the end of a block, or to its own end.
   * @param options.mayRun Else an end-of-text token behind a block is the end.
   */
  take(
    completion: WrittenCompletion,
    { writer, mayRun }: { readonly writer: Writer; readonly mayRun: boolean },
  ): Step {
    const { ids, finishReason, adapter, seconds } = completion;
    this.adapter = adapter;
    this.seconds += seconds;
    const text = writer.decode(ids);
    const hasEnded = ids.length > 0 && writer.isEnd(ids.at(-1) as number);
    const isOpen = finishReason === 'stop' && (hasEnded || text.includes(BLOCK_END));
    const code = isOpen && (mayRun || !hasEnded) ? codeToRun(this.text + text) : null;
    const step = code !== null ? { code } : isOpen && !hasEnded ? 'text' : 'end';
    this.text += step === 'end' ? completion.text : text;
    this.addSampled(completion, hasEnded && code !== null ? ids.length - 1 : ids.length);
    this.finishReason = step === 'end' ? finishReason : 'aborted';
    return step;
  }

  addOutput(text: string, ids: readonly number[]): void {
    this.text += text;
    this.ids.push(...ids);
    this.mask.push(...ids.map(() => false));
  }

  completion(): CodeCompletion {
    const { request, sampleIndex, policyLogprobs, text, ids, mask } = this;
    const { finishReason, adapter, seconds, calls, failures } = this;
    return {
      requestId: request.id,
      sampleIndex,
      promptIds: request.promptIds,
      ids,
      mask,
      text,
      finishReason,
      adapter,
      seconds,
      calls,
      failures,
      logprobs: Float32Array.from(this.logprobs),
      ...(policyLogprobs && { policyLogprobs: Float32Array.from(policyLogprobs) }),
    };
  }

  private addSampled({ ids, logprobs, policyLogprobs }: WrittenCompletion, count: number): void {
    this.ids.push(...ids.slice(0, count));
    this.mask.push(...ids.slice(0, count).map(() => true));
    this.logprobs.push(...logprobs.subarray(0, count));
    if (policyLogprobs === undefined) this.policyLogprobs = null;
    this.policyLogprobs?.push(...(policyLogprobs?.subarray(0, count) ?? []));
  }
}
