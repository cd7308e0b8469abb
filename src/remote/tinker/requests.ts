/** Requests to Tinker: one is answered at once, or with a future whose result is waited for. */
import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../../endpoint/index.js';
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { futureResult } from './futures.js';

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly log: (line: string) => void;
}

/** Sends a request and waits for what its future brings. */
export async function ask(
  options: SessionOptions,
  path: string,
  type: string,
  body: JsonRow | Uint8Array,
) {
  const { endpoint, signal, patienceMs, log } = options;
  const promise = await post(options, path, body);
  let said = '';
  return await futureResult(textOf(promise, 'request_id'), {
    endpoint,
    signal,
    type,
    patienceMs,
    isProto: type === 'ForwardBackward' || type === 'Sample',
    onPause: (reason) => {
      if (reason !== said && reason !== '' && reason !== 'active')
        log(`tinker: ${type}: ${reason}`);
      said = reason;
    },
  });
}

/** The request carries an idempotency key, so one that is sent again is done once. */
export async function post(
  { endpoint, signal }: SessionOptions,
  path: string,
  body: JsonRow | Uint8Array,
): Promise<JsonRow> {
  const headers = { 'x-idempotency-key': randomUUID() };
  const reply =
    body instanceof Uint8Array
      ? await endpoint.postBytes(path, body, { signal, headers })
      : await endpoint.post(path, body, { signal, headers });
  return reply.body;
}

/** @throws RunError when an answer has no such text */
export function textOf(body: JsonRow, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new RunError({ where: 'Tinker', problem: `its answer has no ${name}` });
}
