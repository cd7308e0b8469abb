/** Requests of a call that end by themselves are forgotten when all of their completions are there. */
import { expect, it } from 'vitest';
import { GenerateCall } from '../../../../src/rollout/child/generate-call.js';

it('has nothing to end behind the last completion of a request', () => {
  const call = new GenerateCall({ eosIds: [], decode: () => '', tokenBytes: () => [] });
  const request = (id: string, n: number) => ({ id, promptIds: [1], n, mayEnd: true });
  const [half, whole] = call.received([request('half', 2), request('whole', 2)]);
  for (const id of ['half', 'whole', 'whole']) call.completed(id);
  for (const id of ['half', 'whole']) call.end(id);
  expect(half!.signal!.aborted).toBe(true);
  expect(whole!.signal!.aborted).toBe(false);
});
