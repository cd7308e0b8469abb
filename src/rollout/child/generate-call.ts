/** One call of `generate` in the process that computes: what was sent becomes what the sampler takes. */
import { RecentlyUsed } from '../../util/recently-used.js';
import { schemaConstraint } from '../structured/schema-constraint.js';
import type {
  RolloutTokenizer,
  SamplingParams,
  SchemaSource,
  StreamRequest,
  TokenConstraint,
} from '../types.js';
import type { SentParams, SentRequest } from './messages.js';

export interface ReceivingTokenizer extends RolloutTokenizer {
  tokenBytes(): readonly (Uint8Array | null)[];
}

/** Constraints that are kept from call to call. */
const constraints = new RecentlyUsed<TokenConstraint>(16);

export class GenerateCall {
  private readonly tokenizer: ReceivingTokenizer;
  private readonly abort = new AbortController();
  /** Of requests that may end by themselves, by their ids, with how many completions are missing. */
  private readonly ends = new Map<string, { readonly abort: AbortController; missing: number }>();
  private joined: StreamRequest[] = [];

  constructor(tokenizer: ReceivingTokenizer) {
    this.tokenizer = tokenizer;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  received(requests: readonly SentRequest[]): StreamRequest[] {
    return requests.map(({ params, mayEnd, ...request }) => ({
      ...request,
      ...(params !== undefined && { params: this.paramsOf(params) }),
      ...(mayEnd && { signal: this.endOf(request) }),
    }));
  }

  paramsOf({ schema, ...params }: SentParams): SamplingParams {
    return { ...params, constraint: schema === null ? null : this.constraintOf(schema) };
  }

  join(requests: readonly SentRequest[]): void {
    for (const request of this.received(requests)) this.joined.push(request);
  }

  /** What has joined since it was asked last. */
  arrivals(): readonly StreamRequest[] {
    return this.joined.splice(0);
  }

  /** Ends a request, or all of them. */
  end(request: string | undefined): void {
    (request === undefined ? this.abort : this.ends.get(request)?.abort)?.abort();
  }

  /** A completion of the request is there; behind its last one there is nothing to end. */
  completed(request: string): void {
    const end = this.ends.get(request);
    if (end !== undefined && --end.missing === 0) this.ends.delete(request);
  }

  private endOf({ id, n }: Pick<StreamRequest, 'id' | 'n'>): AbortSignal {
    const abort = new AbortController();
    this.ends.set(id, { abort, missing: n });
    return abort.signal;
  }

  private constraintOf(source: SchemaSource): TokenConstraint {
    return constraints.get(JSON.stringify(source), () =>
      schemaConstraint(source, {
        tokenBytes: this.tokenizer.tokenBytes(),
        endIds: this.tokenizer.eosIds,
      }),
    );
  }
}
