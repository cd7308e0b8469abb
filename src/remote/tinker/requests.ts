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

/** Calls that are answered by a future, and what the service calls the result. */
const RESULTS = {
  create_model: 'CreateModel',
  load_weights: 'LoadWeights',
  forward_backward: 'ForwardBackward',
  optim_step: 'OptimStep',
  save_weights: 'SaveWeights',
  save_weights_for_sampler: 'SaveWeightsForSampler',
  asample: 'Sample',
} as const;

/** Sends a request and waits for what its future brings. */
export async function ask(
  options: SessionOptions,
  call: keyof typeof RESULTS,
  body: JsonRow | Uint8Array,
) {
  const { endpoint, signal, patienceMs, log } = options;
  const type = RESULTS[call];
  const promise = await post(options, call, body);
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
  call: string,
  body: JsonRow | Uint8Array,
): Promise<JsonRow> {
  const path = `/api/v1/${call}`;
  const headers = { 'x-idempotency-key': randomUUID() };
  const reply =
    body instanceof Uint8Array
      ? await endpoint.postBytes(path, body, { signal, headers })
      : await endpoint.post(path, { type: call, ...body }, { signal, headers });
  return reply.body;
}

/** @throws RunError when an answer has no such text */
export function textOf(body: JsonRow, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new RunError({ where: 'Tinker', problem: `its answer has no ${name}` });
}
