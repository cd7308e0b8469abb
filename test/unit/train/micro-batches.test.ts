import { expect, test } from 'vitest';
import { microBatches } from '../../../src/train/micro-batches.js';

const items = [
  { key: 'a', length: 3 },
  { key: 'b', length: 9 },
  { key: 'a', length: 5 },
  { key: 'c', length: 4 },
  { key: 'b', length: 1 },
];
const lengthOf = ({ length }: (typeof items)[number]) => length;
const lengths = (batches: (typeof items)[]) => batches.map((batch) => batch.map(lengthOf));

test('the longest come first', () => {
  expect(lengths(microBatches(items, { size: 2, lengthOf }))).toEqual([[9, 5], [4, 3], [1]]);
});

test('what shares a key stands together, where its longest would', () => {
  const keyOf = ({ key }: (typeof items)[number]) => key;
  expect(lengths(microBatches(items, { size: 2, lengthOf, keyOf }))).toEqual([[9, 1], [3, 5], [4]]);
});
