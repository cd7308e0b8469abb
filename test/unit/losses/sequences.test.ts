import { expect, test } from 'vitest';
import { sharedLengthWeights } from '../../../src/losses/index.js';

test('tokens past the shorter answer of a pair weigh alpha', () => {
  // chosen of 3 and 1 tokens, rejected of 2 and 2: shared lengths 2 and 1
  const sequences = Int32Array.of(0, 0, 0, 1, 2, 2, 3, 3);
  expect([...sharedLengthWeights(sequences, 2, 0.25)]).toEqual([1, 1, 0.25, 1, 1, 1, 1, 0.25]);
  expect([...sharedLengthWeights(sequences, 2, 1)]).toEqual(Array.from({ length: 8 }, () => 1));
});
