/**
 * `generate` in another process, with requests that come later and requests that end by themselves. What
 * joins is sent as tokens come; what the process has not taken when it is done is sampled in a further call.
 */
import type { Completion, SamplingParams, StreamOptions, StreamRequest } from '../types.js';
import type { CallOptions, OpenCall } from './connection.js';
import { type Calls, sentParams, sentRequest } from './messages.js';

export type AskGenerate = (args: Calls['generate'], options: CallOptions) => Promise<Completion[]>;

/** @throws what `ask` rejects with; InputError for a constraint that cannot be sent */
export async function generateLive(
  ask: AskGenerate,
  {
    requests,
    params,
    options,
  }: {
    readonly requests: readonly StreamRequest[];
    readonly params: SamplingParams;
    readonly options: StreamOptions;
  },
): Promise<Completion[]> {
  const { arrivals, onToken, onCompletion, onFailure, next, signal } = options;
  const sent = sentParams(params);
  const joining = new Joining(arrivals);
  const run = (started: readonly StreamRequest[]) =>
    ask(
      {
        requests: started.map(sentRequest),
        params: sent,
        streams: onToken !== undefined || arrivals !== undefined,
        tellsFailures: onFailure !== undefined,
        asksNext: next !== undefined,
        takesMore: arrivals !== undefined,
      },
      {
        signal,
        next,
        onFailure,
        onOpen: (call) => joining.open(call, started),
        onToken(token) {
          onToken?.(token);
          joining.poll();
        },
        onCompletion(completion) {
          joining.taken(completion);
          onCompletion?.(completion);
          joining.poll();
        },
      },
    );
  const completions = await run(requests);
  for (;;) {
    const more = [...joining.left(), ...(signal?.aborted ? [] : (arrivals?.() ?? []))];
    if (more.length === 0) return completions;
    await run(more);
  }
}

class Joining {
  private readonly arrivals: StreamOptions['arrivals'];
  private call: OpenCall | null = null;
  /** Requests that joined and of which nothing has come back. */
  private readonly waiting = new Map<string, StreamRequest>();

  constructor(arrivals: StreamOptions['arrivals']) {
    this.arrivals = arrivals;
  }

  open(call: OpenCall, requests: readonly StreamRequest[]): void {
    this.call = call;
    this.follow(requests);
  }

  /** Sends what has come. */
  poll(): void {
    const requests = this.arrivals?.() ?? [];
    if (requests.length === 0) return;
    for (const request of requests) this.waiting.set(request.id, request);
    this.call!.join(requests.map(sentRequest));
    this.follow(requests);
  }

  taken({ requestId }: Completion): void {
    this.waiting.delete(requestId);
  }

  /** Those that came too late for the call that is done. */
  left(): StreamRequest[] {
    const requests = [...this.waiting.values()];
    this.waiting.clear();
    return requests;
  }

  private follow(requests: readonly StreamRequest[]): void {
    const call = this.call!;
    for (const { id, signal } of requests) {
      if (signal?.aborted) call.endRequest(id);
      else signal?.addEventListener('abort', () => call.endRequest(id), { once: true });
    }
  }
}
