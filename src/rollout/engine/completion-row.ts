/** One completion in progress. */
import { Rng } from '../../util/rng.js';
import { completionText, StopMatcher } from '../sampling/stop-matcher.js';
import type { SamplingState } from '../sampling/token-sampler.js';
import type {
  Completion,
  FinishReason,
  PromptRequest,
  RolloutTokenizer,
  SamplingParams,
} from '../types.js';

export interface RowOptions {
  readonly request: PromptRequest;
  readonly sampleIndex: number;
  readonly params: SamplingParams;
  readonly tokenizer: RolloutTokenizer;
  readonly maxContext: number;
  /** `performance.now()` when the prompt's prefill began. */
  readonly startedAt: number;
}

/** The stream of one completion: the same alone, in any batch and in any slot. */
export function completionRng(request: PromptRequest, seed: number, sampleIndex: number): Rng {
  return request.seed === undefined
    ? Rng.of(seed, 'rollout', request.id, sampleIndex)
    : Rng.of(request.seed, 'rollout', sampleIndex);
}

export class CompletionRow implements SamplingState {
  readonly rng: Rng;
  readonly seen: Set<number> | null;
  readonly request: PromptRequest;
  readonly sampleIndex: number;
  finishReason: FinishReason | null = null;
  private readonly ids: number[] = [];
  private readonly logprobs: number[] = [];
  private readonly tokenizer: RolloutTokenizer;
  private readonly stopStrings: readonly string[];
  private readonly stopMatcher: StopMatcher | null;
  private readonly limit: number;
  private readonly startedAt: number;

  constructor(options: RowOptions) {
    const { request, sampleIndex, params, tokenizer, maxContext, startedAt } = options;
    this.request = request;
    this.sampleIndex = sampleIndex;
    this.rng = completionRng(request, params.seed, sampleIndex);
    this.seen = params.repetitionPenalty === 1 ? null : new Set(request.promptIds);
    this.tokenizer = tokenizer;
    this.stopStrings = params.stopStrings;
    this.stopMatcher =
      params.stopStrings.length > 0 ? new StopMatcher(tokenizer, params.stopStrings) : null;
    this.limit = Math.min(
      params.maxNewTokens,
      request.maxNewTokens ?? params.maxNewTokens,
      maxContext - request.promptIds.length,
    );
    this.startedAt = startedAt;
  }

  get count(): number {
    return this.ids.length;
  }

  get lastId(): number {
    return this.ids[this.ids.length - 1]!;
  }

  /** Tokens of prompt and completion. */
  get length(): number {
    return this.request.promptIds.length + this.ids.length;
  }

  /** Takes the next token; `finishReason` is set when it was the last. */
  push(id: number, logprob: number): void {
    this.ids.push(id);
    this.logprobs.push(logprob);
    this.seen?.add(id);
    if (this.tokenizer.eosIds.includes(id) || this.stopMatcher?.push(id) === true) {
      this.finishReason = 'stop';
    } else if (this.ids.length >= this.limit) {
      this.finishReason = 'length';
    }
  }

  abort(): void {
    this.finishReason = 'aborted';
  }

  completion(adapter: string | null, now: number): Completion {
    const { ids, request, sampleIndex, tokenizer } = this;
    const endsWithEos = ids.length > 0 && tokenizer.eosIds.includes(this.lastId);
    const spoken = endsWithEos ? ids.slice(0, -1) : ids;
    return {
      requestId: request.id,
      sampleIndex,
      promptIds: request.promptIds,
      ids,
      text: completionText(tokenizer, spoken, this.stopStrings),
      logprobs: Float32Array.from(this.logprobs),
      finishReason: this.finishReason ?? 'aborted',
      adapter,
      seconds: (now - this.startedAt) / 1000,
    };
  }
}
