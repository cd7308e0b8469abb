import { describe, expect, test } from 'vitest';
import { collate, trainedTokens } from '../../../src/model/index.js';
import { longestSequence, runBases } from '../../../src/model/token-batch.js';

const short = { ids: [7, 8], trained: [true, true] };
const long = { ids: [1, 2, 3, 4], trained: [false, false, true, true] };

test('sequences stand one after another; each target is predicted by the token before it', () => {
  const batch = collate([short, long]);
  expect(batch.rows).toBe(2);
  expect(batch.runs).toEqual([
    { start: 0, length: 2, prefix: -1 },
    { start: 2, length: 4, prefix: -1 },
  ]);
  expect([...batch.ids]).toEqual([7, 8, 1, 2, 3, 4]);
  // 8 is predicted at 0; 3 and 4 at 2 + 1 and 2 + 2. Token 0 has no prediction.
  expect([...batch.predictors]).toEqual([0, 3, 4]);
  expect([...batch.targets]).toEqual([8, 3, 4]);
  expect([...batch.sequences]).toEqual([0, 1, 1]);
});

test('the first token never counts', () => {
  expect(trainedTokens(short)).toBe(1);
  expect(trainedTokens(long)).toBe(2);
  expect(trainedTokens({ ids: [5], trained: [true] })).toBe(0);
});

describe('a prompt that sequences share', () => {
  const answers = [
    { ids: [1, 2, 5, 6], trained: [false, false, true, true] },
    { ids: [1, 2, 3, 8], trained: [false, false, false, true] },
    { ids: [1, 2, 7], trained: [false, false, true] },
  ];

  test('comes once, before the first of them; targets stay in order of sequences', () => {
    const batch = collate(answers);
    expect([...batch.ids]).toEqual([1, 2, 5, 6, 1, 2, 3, 8, 7]);
    expect(batch.runs).toEqual([
      { start: 0, length: 2, prefix: -1 },
      { start: 2, length: 2, prefix: 0 },
      { start: 4, length: 4, prefix: -1 },
      { start: 8, length: 1, prefix: 0 },
    ]);
    // The last token of the shared prompt predicts the first of both answers.
    expect([...batch.predictors]).toEqual([1, 2, 6, 1]);
    expect([...batch.targets]).toEqual([5, 6, 8, 7]);
    expect([...batch.sequences]).toEqual([0, 0, 1, 2]);
    expect(runBases(batch.runs)).toEqual([0, 2, 0, 2]);
    expect(longestSequence(batch)).toBe(4);
  });

  test('is computed for each of them when asked', () => {
    const batch = collate(answers, { sharePrompts: false });
    expect(batch.runs.map(({ prefix }) => prefix)).toEqual([-1, -1, -1]);
    expect([...batch.predictors]).toEqual([1, 2, 6, 9]);
  });
});
