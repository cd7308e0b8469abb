import { expect, it } from 'vitest';
import { InterruptError } from '../../../src/util/errors.js';
import { stopSignalOf, wasStopped } from '../../../src/util/stop-signals.js';

// 128 and the number of the signal: SIGHUP 1, SIGINT 2, SIGTERM 15.
it.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
  [undefined, 130],
])('a process that %s asked to stop exits with %d', (reason, code) => {
  const signal = AbortSignal.abort(reason);
  expect(new InterruptError(stopSignalOf(signal), 'stopped').exitCode).toBe(code);
  expect(wasStopped(code)).toBe(true);
});

it('other codes are of failures', () => {
  expect([0, 1, 2, 3, 137].filter(wasStopped)).toEqual([]);
});
