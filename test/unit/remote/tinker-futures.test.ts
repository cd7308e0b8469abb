/** How long a result is asked for while the service does not answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  EndpointError,
  type EndpointReply,
  endpointSettings,
  openEndpoint,
} from '../../../src/endpoint/index.js';
import { futureResult } from '../../../src/remote/tinker/futures.js';
import { rejectionOf } from '../../support/failures.js';

const PATIENCE_MS = 150;
const AWAY = { where: 'service', problem: 'it is away' };

/** A service that is out of reach for so many requests about the result. */
function futures(outages: number) {
  const settings = endpointSettings({
    baseUrl: 'http://127.0.0.1:9',
    env: {},
    maxConcurrency: 1,
    retryDelayMs: 1,
  });
  let asked = 0;
  const endpoint = openEndpoint(settings, async ({ url }): Promise<EndpointReply> => {
    if (url.endsWith('/slow')) await sleep(3 * PATIENCE_MS);
    else if (asked++ < outages) {
      throw new EndpointError(AWAY, { kind: 'unreachable', retry: { afterMs: 5 } });
    }
    return { body: { path: 'done' }, latencyMs: 0, isCached: false };
  });
  const result = () =>
    futureResult('1', {
      endpoint,
      signal: new AbortController().signal,
      type: 'SaveWeights',
      isProto: false,
      patienceMs: PATIENCE_MS,
    });
  return { endpoint, result, asked: () => asked };
}

it('counts from when a request is sent, not from when it began to wait for others', async () => {
  const { endpoint, result, asked } = futures(2);
  const slow = endpoint.post('/slow', {});
  expect((await result()).body).toEqual({ path: 'done' });
  expect(asked()).toBe(3);
  await slow;
});

it('ends where the service stays away for longer', async () => {
  const begin = performance.now();
  const { result } = futures(1e9);
  const error = await rejectionOf(EndpointError, result());
  expect(error.message).toContain('it is away');
  expect(performance.now() - begin).toBeGreaterThan(PATIENCE_MS);
});
