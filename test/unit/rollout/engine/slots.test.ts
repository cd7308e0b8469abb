import { expect, test } from 'vitest';
import { slotsOf, slotsOfAny } from '../../../../src/rollout/engine/slots.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';

const LIMITS = {
  maxContext: 100,
  maxBatch: 8,
  maxCacheBytes: 4000,
  bytesPerToken: 10,
  bytesPerRow: 0,
};
const REQUESTS = [
  { id: 'a', promptIds: [1, 2, 3], n: 2 },
  { id: 'b', promptIds: [1], n: 1 },
];

test('slots are as many as are of use, and fit the budget', () => {
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 7, seed: 0 };
  expect(slotsOf(REQUESTS, params, LIMITS)).toEqual({ rows: 3, capacity: 10 });
  expect(slotsOfAny(3, LIMITS)).toEqual({ rows: 3, capacity: 100 });
  expect(slotsOfAny(8, LIMITS)).toEqual({ rows: 4, capacity: 100 });
  expect(slotsOfAny(8, { ...LIMITS, bytesPerRow: 334 })).toEqual({ rows: 2, capacity: 100 });
});

test('slots go by the longest prompt of more requests than a call takes arguments', () => {
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 7, seed: 0 };
  const many = Array.from({ length: 200_000 }, (_, i) => ({ id: `${i}`, promptIds: [1], n: 1 }));
  expect(slotsOf([...many, ...REQUESTS], params, LIMITS).capacity).toBe(10);
});
