import { expect, test } from 'vitest';
import { largestGap, relativeGap } from '../support/gaps.js';

test('toBeAllclose takes typed and plain arrays within atol + rtol · |expected|', () => {
  expect(new Float32Array([1, 2])).toBeAllclose([1, 2]);
  // 0.1 + 0.01 · 100 = 1.1
  expect([101.09]).toBeAllclose([100], { rtol: 0.01, atol: 0.1 });
  expect([Number.NaN, Number.POSITIVE_INFINITY]).toBeAllclose([
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ]);
});

test('toBeAllclose refuses what is out of tolerance, NaN, infinity and another length', () => {
  expect([101.11]).not.toBeAllclose([100], { rtol: 0.01, atol: 0.1 });
  expect([Number.NaN]).not.toBeAllclose([0]);
  expect([0]).not.toBeAllclose([Number.NaN]);
  expect([Number.POSITIVE_INFINITY]).not.toBeAllclose([1]);
  expect([1]).not.toBeAllclose([Number.POSITIVE_INFINITY]);
  expect([1, 2]).not.toBeAllclose([1]);
  expect(() => expect([1, 5]).toBeAllclose([1, 2])).toThrow('element 1 is 5, expected 2');
});

test('largestGap is NaN where a number is, and infinite for another length', () => {
  expect(largestGap([1, 5, 3], [1, 2, 4])).toBe(3);
  expect(largestGap([Number.NaN, 5], [1, 2])).toBeNaN();
  expect(largestGap([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
});

test('relativeGap is the length of the difference in lengths of the expected vector', () => {
  // ‖(3, 4)‖ / ‖(6, 8)‖
  expect(relativeGap(Float32Array.of(9, 12), Float32Array.of(6, 8))).toBe(0.5);
});
