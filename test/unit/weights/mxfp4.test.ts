import { expect, test } from 'vitest';
import { fromMxfp4, toFloat32 } from '../../../src/weights/index.js';

const read = (packed: Uint8Array, scales: readonly number[]): number[] => {
  const bytes = fromMxfp4(packed, Uint8Array.from(scales));
  return [...toFloat32({ dtype: 'bfloat16', shape: [bytes.length / 2], bytes })];
};

test('values of a block, the first of a byte in its lower half, times a power of two', () => {
  // Codes 0 … 15, twice.
  const codes = Uint8Array.from({ length: 16 }, (_, i) => ((2 * i) % 16) + 16 * ((2 * i + 1) % 16));
  const values = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];
  expect(read(codes, [127])).toEqual([...values, ...values]);
  expect(read(codes, [120])).toEqual([...values, ...values].map((value) => value / 128));
});

test('each block has its own scale, as far as they go', () => {
  const packed = new Uint8Array(48).fill(0x22);
  const values = read(packed, [127, 1, 254]);
  expect([values[0], values[31], values[32], values[64]]).toEqual([1, 1, 2 ** -126, 2 ** 127]);
});
