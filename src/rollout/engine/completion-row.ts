/** One completion in progress. */
import type { Rng } from '../../util/rng.js';
import { completionRng } from '../sampling/completion-rng.js';
import { completionText, StopMatcher } from '../sampling/stop-matcher.js';
import type { SamplingState } from '../sampling/token-sampler.js';
import type {
  Completion,
  ConstraintCursor,
  FinishReason,
  RolloutTokenizer,
  SamplingParams,
  StreamRequest,
  StreamToken,
  TokenLogprob,
} from '../types.js';

export interface RowOptions {
  readonly request: StreamRequest;
  readonly sampleIndex: number;
  readonly params: SamplingParams;
  readonly tokenizer: RolloutTokenizer;
  readonly maxContext: number;
  /** `performance.now()` when the prompt's prefill began. */
  readonly startedAt: number;
  readonly cachedTokens?: number;
}

/** A token that was drawn; its log-probabilities are those of `Completion`. */
export interface DrawnToken {
  readonly id: number;
  readonly logprob: number;
  readonly policyLogprob: number;
  readonly topLogprobs?: readonly TokenLogprob[];
}

export class CompletionRow implements SamplingState {
  readonly rng: Rng;
  readonly seen: Set<number> | null;
  readonly constraint: ConstraintCursor | null;
  readonly request: StreamRequest;
  readonly sampleIndex: number;
  finishReason: FinishReason | null = null;
  private readonly ids: number[] = [];
  private readonly logprobs: number[] = [];
  private readonly policyLogprobs: number[] = [];
  private readonly topLogprobs: (readonly TokenLogprob[])[] = [];
  private readonly tokenizer: RolloutTokenizer;
  private readonly stopStrings: readonly string[];
  /** Tokens that end the completion. */
  private readonly endIds: ReadonlySet<number>;
  private readonly stopMatcher: StopMatcher | null;
  private readonly limit: number;
  private readonly startedAt: number;
  private readonly cachedTokens: number | undefined;

  constructor(options: RowOptions) {
    const { request, sampleIndex, params, tokenizer, maxContext, startedAt } = options;
    this.request = request;
    this.sampleIndex = sampleIndex;
    this.rng = completionRng(request, params.seed, sampleIndex);
    this.seen = params.repetitionPenalty === 1 ? null : new Set(request.promptIds);
    this.constraint = params.constraint?.start() ?? null;
    this.tokenizer = tokenizer;
    this.stopStrings = params.stopStrings;
    this.endIds = new Set([...tokenizer.eosIds, ...params.stopIds]);
    this.stopMatcher =
      params.stopStrings.length > 0 ? new StopMatcher(tokenizer, params.stopStrings) : null;
    this.limit = Math.min(
      params.maxNewTokens,
      request.maxNewTokens ?? params.maxNewTokens,
      maxContext - request.promptIds.length,
    );
    this.startedAt = startedAt;
    this.cachedTokens = options.cachedTokens;
  }

  get count(): number {
    return this.ids.length;
  }

  get lastId(): number {
    return this.ids[this.ids.length - 1]!;
  }

  get newest(): StreamToken {
    const { request, sampleIndex, lastId, logprobs } = this;
    const logprob = Math.fround(logprobs[logprobs.length - 1]!);
    const token = { requestId: request.id, sampleIndex, id: lastId, logprob };
    const topLogprobs = this.topLogprobs.at(-1);
    return { ...token, ...(topLogprobs && { topLogprobs }) };
  }

  /** Ids of prompt and completion. */
  get sequence(): readonly number[] {
    return [...this.request.promptIds, ...this.ids];
  }

  /** Tokens of prompt and completion. */
  get length(): number {
    return this.request.promptIds.length + this.ids.length;
  }

  /** Takes the next token; `finishReason` is set when it was the last. */
  push({ id, logprob, policyLogprob, topLogprobs }: DrawnToken): void {
    this.ids.push(id);
    this.logprobs.push(logprob);
    this.policyLogprobs.push(policyLogprob);
    if (topLogprobs !== undefined) this.topLogprobs.push(topLogprobs);
    this.seen?.add(id);
    this.constraint?.push(id);
    if (this.endIds.has(id) || this.stopMatcher?.push(id) === true) {
      this.finishReason = 'stop';
    } else if (this.ids.length >= this.limit) {
      this.finishReason = 'length';
    }
  }

  abort(): void {
    this.finishReason = 'aborted';
  }

  completion(adapter: string | null, now: number): Completion {
    const { ids, request, sampleIndex, tokenizer, topLogprobs, cachedTokens } = this;
    const endsByToken = ids.length > 0 && this.endIds.has(this.lastId);
    const spoken = endsByToken ? ids.slice(0, -1) : ids;
    return {
      requestId: request.id,
      sampleIndex,
      promptIds: request.promptIds,
      ids,
      text: completionText(tokenizer, spoken, this.stopStrings),
      logprobs: Float32Array.from(this.logprobs),
      policyLogprobs: Float32Array.from(this.policyLogprobs),
      finishReason: this.finishReason ?? 'aborted',
      adapter,
      seconds: (now - this.startedAt) / 1000,
      ...(request.topLogprobs !== undefined && { topLogprobs }),
      ...(cachedTokens !== undefined && { cachedTokens }),
    };
  }
}
