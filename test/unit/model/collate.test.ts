import { expect, test } from 'vitest';
import { collate, trainedTokens } from '../../../src/model/index.js';

const short = { ids: [7, 8], trained: [true, true] };
const long = { ids: [1, 2, 3, 4], trained: [false, false, true, true] };

test('rows are right-padded; each target stands at the position before it', () => {
  const batch = collate([short, long]);
  expect([batch.rows, batch.length]).toEqual([2, 4]);
  expect([...batch.ids]).toEqual([7, 8, 0, 0, 1, 2, 3, 4]);
  // 8 is predicted at 0·4 + 0; 3 and 4 at 1·4 + 1 and 1·4 + 2. Token 0 has no prediction.
  expect([...batch.positions]).toEqual([0, 5, 6]);
  expect([...batch.targets]).toEqual([8, 3, 4]);
  expect([...batch.sequences]).toEqual([0, 1, 1]);
});

test('the first token never counts', () => {
  expect(trainedTokens(short)).toBe(1);
  expect(trainedTokens(long)).toBe(2);
  expect(trainedTokens({ ids: [5], trained: [true] })).toBe(0);
});
