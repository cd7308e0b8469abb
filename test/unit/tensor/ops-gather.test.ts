/** Rows by index, sums of rows by segment, and parts of a tensor, on the tape. */
import { expect, test } from 'vitest';
import { gather, indicesOnDevice, segmentSums, sliced, tf } from '../../../src/tensor/index.js';
import { elementsAt } from '../../../src/tensor/ops/gather.js';
import { checkGradients, randomOperand } from './ops-gradient.js';

const ROWS = [2, 0, 2, 3];
const rows = indicesOnDevice(Int32Array.from(ROWS));

test('rows by index: one that is taken twice has the sum of both gradients', () => {
  checkGradients({
    inputs: [randomOperand('gather', [4, 3])],
    op: (x) => gather(x!, rows),
    formula: (x) => ROWS.flatMap((row) => [...x!.subarray(3 * row, 3 * row + 3)]),
  });
});

test.each([{ shape: [4] }, { shape: [4, 2] }])('sums of segments of $shape', ({ shape }) => {
  const width = shape[1] ?? 1;
  checkGradients({
    inputs: [randomOperand('segments', shape)],
    op: (x) => segmentSums(x!, rows, 5),
    formula: (x) => {
      const sums = new Float64Array(5 * width);
      for (const [i, segment] of ROWS.entries()) {
        for (let c = 0; c < width; c++) sums[segment * width + c]! += x![i * width + c]!;
      }
      return sums;
    },
  });
});

test.each([
  { from: [0, 1], size: [3, 2] },
  { from: [2, 0], size: [1, 4] },
  { from: [0, 0], size: [3, 4] },
])('$size from $from on', ({ from, size }) => {
  checkGradients({
    inputs: [randomOperand('slice', [3, 4])],
    op: (x) => sliced(x!, from, size),
    formula: (x) =>
      Array.from({ length: size[0]! }, (_, i) => {
        const start = 4 * (from[0]! + i) + from[1]!;
        return [...x!.subarray(start, start + size[1]!)];
      }).flat(),
  });
});

test('one element of each row', async () => {
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
  const picked = elementsAt(x, indicesOnDevice(Int32Array.of(1, 0, 1)));
  expect(await picked.array()).toEqual([2, 3, 6]);
});
