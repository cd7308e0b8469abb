import { expect, it } from 'vitest';
import { chunks } from '../../../src/util/group.js';

it.each([
  [[1, 2, 3, 4, 5], 2, [[1, 2], [3, 4], [5]]],
  [[1, 2], 5, [[1, 2]]],
  [[], 3, []],
])('%j, %d at a time', (items, size, expected) => {
  expect(chunks(items, size)).toEqual(expected);
});
