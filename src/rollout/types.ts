/** What the rollout engine takes and gives. */
import type { Adapter } from '../weights/index.js';
import type { WeightSource } from './graph/weight-source.js';

export interface SamplingParams {
  /** Divides the logits. 0 takes the likeliest token each time (greedy). */
  readonly temperature: number;
  /** Only the k likeliest tokens; 0 for all. */
  readonly topK: number;
  /** Only the likeliest tokens that together reach this probability; 1 for all. */
  readonly topP: number;
  /** Only tokens at least this fraction as likely as the likeliest; 0 for all. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of tokens in prompt or completion; 1 for none. */
  readonly repetitionPenalty: number;
  readonly maxNewTokens: number;
  /** No end of text before this many tokens. */
  readonly minNewTokens: number;
  /** Generation ends when one of these appears in the text, which is cut before it. */
  readonly stopStrings: readonly string[];
  /** Tokens that end generation, beside the tokenizer's end-of-text tokens. */
  readonly stopIds: readonly number[];
  /** Added to the logits of these tokens before anything else. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** What text may be written, e.g. only that of a JSON schema; null for any. */
  readonly constraint: TokenConstraint | null;
  readonly seed: number;
}

/** An automaton over tokens that all completions of a call walk along, each on its own. */
export interface TokenConstraint {
  /** A place at the beginning of the text. */
  start(): ConstraintCursor;
  /** What it was made of; a sampler in a process of its own takes no constraint without. */
  readonly source?: SchemaSource;
}

export interface SchemaSource {
  readonly schema: unknown;
  /** JSON without white space. */
  readonly isCompact: boolean;
}

/** Where one completion stands. */
export interface ConstraintCursor {
  /**
   * Bit `id & 31` of word `id >> 5` is set where token `id` may come next; end-of-text tokens where the text
   * may end. At least one is set, until an end-of-text token was pushed.
   */
  allowed(): Uint32Array;
  /** Goes on by a token that was allowed. */
  push(id: number): void;
}

export interface PromptRequest {
  /** Unique within a call. Names the random stream, together with the seed. */
  readonly id: string;
  readonly promptIds: readonly number[];
  /** The prompt as messages, for servers that render it themselves. */
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
  /** Completions to sample. */
  readonly n: number;
  /** Their numbers, `n` different ones, where some of a group are wanted only; default 0 … n − 1. */
  readonly samples?: readonly number[];
  /** In place of `SamplingParams.seed`; the stream then does not depend on `id`. */
  readonly seed?: number;
  /** Lowers `SamplingParams.maxNewTokens` for this prompt. */
  readonly maxNewTokens?: number;
}

/** A request with sampling parameters and an end of its own. */
export interface StreamRequest extends PromptRequest {
  /** In place of those of the call. */
  readonly params?: SamplingParams;
  /** Tokens to tell of at each place, the likeliest. */
  readonly topLogprobs?: number;
  /** Ends this request early: what was sampled so far comes with `finishReason: 'aborted'`. */
  readonly signal?: AbortSignal;
}

/**
 * `stop`: end-of-text token or stop string. `length`: out of tokens or context. `rounds`: of a completion that
 * uses tools, out of calls. `content_filter`: cut by the filter of a server.
 */
export type FinishReason = 'stop' | 'length' | 'rounds' | 'content_filter' | 'aborted';

export interface Completion {
  readonly requestId: string;
  readonly sampleIndex: number;
  readonly promptIds: readonly number[];
  /** As sampled, the end-of-text token included. */
  readonly ids: number[];
  /** Without special tokens, cut before a stop string. */
  readonly text: string;
  /**
   * Natural log-probability of each id under the distribution it was drawn from (temperature, filters and
   * penalties included). For greedy decoding that of the model at temperature 1.
   */
  readonly logprobs: Float32Array;
  /**
   * The same under the whole softmax at the temperature, without filters, penalties, biases and constraints:
   * what a trainer computes of these ids. Equal to `logprobs` where nothing is filtered. Absent where a
   * server does not tell it.
   */
  readonly policyLogprobs?: Float32Array;
  readonly finishReason: FinishReason;
  /** Content hash of the weights on top of the base: the adapter's, or that of reloaded weights. */
  readonly adapter: string | null;
  /** From the prefill of the prompt to the last token. */
  readonly seconds: number;
  /**
   * The likeliest tokens at the place of each id, under the distribution it was drawn from, likeliest first;
   * fewer than were asked for where fewer could come.
   */
  readonly topLogprobs?: readonly (readonly TokenLogprob[])[];
  /** Tokens of the prompt that were not computed, as they were kept; absent where nothing is kept. */
  readonly cachedTokens?: number;
  /** Of a completion that could use tools; `logprobs` and `policyLogprobs` are then those of sampled ids alone. */
  readonly tools?: ToolUse;
}

interface ToolUse {
  /** Which ids were sampled; the others are what tools put out (TRL's `tool_mask`). */
  readonly mask: readonly boolean[];
  /** Calls of tools, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
}

export interface GenerateOptions {
  /** Ends generation early; what was sampled so far comes back with `finishReason: 'aborted'`. */
  readonly signal?: AbortSignal | undefined;
  /** Called as completions finish, in that order. */
  readonly onCompletion?: ((completion: Completion) => void) | undefined;
  /**
   * Called with each completion that was not cut by an abort; the request that it brings, under an id of its
   * own, is sampled in the same call. The others are sampled on meanwhile, for a fixed number of steps, so that
   * the clock decides nothing. What it rejects with fails the call.
   */
  readonly next?: ((completion: Completion) => Promise<PromptRequest | null>) | undefined;
}

export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
}

/** The newest token of a completion in progress. */
export interface StreamToken {
  readonly requestId: string;
  readonly sampleIndex: number;
  readonly id: number;
  /** As in `Completion.logprobs`. */
  readonly logprob: number;
  /** As in `Completion.topLogprobs`. */
  readonly topLogprobs?: readonly TokenLogprob[];
}

export interface StreamOptions extends GenerateOptions {
  /** Called with each token as it is drawn. */
  readonly onToken?: ((token: StreamToken) => void) | undefined;
  /**
   * Asked before each step for requests that have come since; they join those at work, and are told of by
   * `onCompletion` only. The call ends when nothing is at work and nothing has come. They are taken as they
   * are: check them by `checkRequests`.
   */
  readonly arrivals?: (() => readonly StreamRequest[]) | undefined;
  /**
   * Told of a request, by its id, of which no next token can be chosen, and why. Those of its completions come
   * as `aborted`, and the call goes on, which fails without this.
   */
  readonly onFailure?: ((requestId: string, error: unknown) => void) | undefined;
}

export interface SyncResult {
  readonly hash: string | null;
  readonly syncMs: number;
}

/** A policy that samples. One call at a time works; later ones wait for it. */
export interface Sampler {
  /** Completions in the order of the requests, then of the sample index; those of `next` come behind. */
  generate(
    requests: readonly PromptRequest[],
    params: SamplingParams,
    options?: GenerateOptions,
  ): Promise<Completion[]>;
  /**
   * log p(id t | ids before t) at temperature 1 for t = 1 … n − 1 of each sequence.
   * @returns one array of n − 1 numbers for each sequence
   */
  score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]>;
  /**
   * Puts an adapter, or none, on the base weights for all later calls.
   * @param version What completions carry as `adapter`; the adapter's content hash when absent.
   */
  setAdapter(adapter: Adapter | null, version?: string): SyncResult | Promise<SyncResult>;
  /** Hash that completions carry now. */
  readonly adapterHash: string | null;
  dispose(): void;
}

/** A sampler of the rollout engine, whose weights full-parameter training changes. */
export interface RolloutSampler extends Sampler {
  generate(
    requests: readonly StreamRequest[],
    params: SamplingParams,
    options?: StreamOptions,
  ): Promise<Completion[]>;
  /**
   * Loads other base weights of the same architecture, slowly. The adapter stays.
   * @param version what completions carry as `adapter` from now on when there is no adapter, e.g. a hash
   */
  reloadWeights(weights: WeightSource, version: string): Promise<SyncResult>;
  /** Gives memory back until the next call, which takes it again; absent where none is held apart. */
  release?(): Promise<void>;
}

/** What the engine needs of a tokenizer. */
export interface RolloutTokenizer {
  readonly eosIds: readonly number[];
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
}
