/**
 * Tinker answers a request with a future; its result is asked for until it is there (`retrieve_future`). Not yet
 * is said by `type: try_again`, by HTTP 408, or by silence; a large result is first announced by its size.
 */
import { type Endpoint, EndpointError, type EndpointReply, PROTO } from '../../endpoint/index.js';
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { pause } from '../../util/retry.js';

export interface FutureOptions {
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
  /** What is waited for, as the service names it: `ForwardBackward`, `Sample`, … */
  readonly type: string;
  /** The result comes in Protocol Buffers. */
  readonly isProto: boolean;
  /** So long the service may be out of reach. What a request waits for its turn here does not count. */
  readonly patienceMs: number;
  /** Called when the service says why it lets wait. */
  readonly onPause?: (reason: string) => void;
}

/** @throws RunError when the request has failed; EndpointError when the service refuses or stays away */
export async function futureResult(id: string, options: FutureOptions): Promise<EndpointReply> {
  const { endpoint, signal, type, isProto, patienceMs, onPause } = options;
  let allowMetadata = true;
  let silentSince = performance.now();
  for (let iteration = 0, failures = 0; ; iteration++) {
    const body = { request_id: id, allow_metadata_only: allowMetadata };
    const headers = {
      'x-tinker-request-iteration': String(iteration),
      'x-tinker-request-type': type,
      ...(isProto && { accept: PROTO }),
    };
    const begin = performance.now();
    try {
      const reply = await endpoint.post('/api/v1/retrieve_future', body, {
        signal,
        attempts: 1,
        headers,
        onTurn: () => {
          silentSince += performance.now() - begin;
        },
      });
      [failures, silentSince] = [0, performance.now()];
      if (reply.bytes !== undefined) return reply;
      const next = meaningOf(reply.body, type);
      if (next === 'result') return reply;
      if (next === 'announced') allowMetadata = false;
      else onPause?.(String(reply.body.queue_state_reason ?? reply.body.queue_state ?? ''));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EndpointError) || error.retry === null) throw error;
      const isWaiting = error.status === 408;
      if (isWaiting) {
        silentSince = performance.now();
        continue;
      }
      if (performance.now() - silentSince > patienceMs) throw error;
      const { retryDelayMs: delayMs } = endpoint.settings;
      await pause({ failures: ++failures, delayMs, afterMs: error.retry.afterMs, signal });
    }
  }
}

function meaningOf(body: JsonRow, type: string): 'wait' | 'announced' | 'result' {
  if (body.type === 'try_again') return 'wait';
  if (body.status === 'complete_metadata') return 'announced';
  if (body.error == null) return 'result';
  throw new RunError({
    where: `Tinker: ${type}`,
    problem: String(body.error),
    ...(body.category === 'user' && { remedy: 'The service says the request is at fault' }),
  });
}
