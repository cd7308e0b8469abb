import { expect, it } from 'vitest';
import { delayOf, mayPass, pause } from '../../../src/util/retry.js';

it('the wait doubles with each failure, and is never above 30 s, also where a server asks for a day', () => {
  const waits = [1, 2, 3, 10, 5000].map((failures) =>
    delayOf({ failures, delayMs: 500, afterMs: null }),
  );
  expect(waits).toEqual([500, 1000, 2000, 30_000, 30_000]);
  expect(delayOf({ failures: 3, delayMs: 500, afterMs: 0 })).toBe(0);
  expect(delayOf({ failures: 1, delayMs: 500, afterMs: 86_400_000 })).toBe(30_000);
});

it('what may pass is a server out of order, too many requests, conflicts and requests too early', () => {
  const statuses = [400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 503];
  expect(statuses.filter(mayPass)).toEqual([408, 409, 425, 429, 500, 503]);
});

it('the reason of a signal ends the wait', async () => {
  const signal = AbortSignal.timeout(5);
  const waiting = pause({ failures: 1, delayMs: 30_000, afterMs: null, signal });
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
});
