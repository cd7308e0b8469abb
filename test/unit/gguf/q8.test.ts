import { expect, test } from 'vitest';
import { dequantizeQ8, quantizeQ8 } from '../../../src/gguf/q8.js';
import { CONVERTER } from './converter.js';

test('blocks of the gguf package', () => {
  const { values, bytes } = CONVERTER.q8_0;
  expect(Buffer.from(quantizeQ8(Float32Array.from(values))).toString('hex')).toBe(bytes);
});

test('a value comes back as scale times quotient', () => {
  // The scale is 1 (127 / 127), and halves go away from zero.
  const values = Float32Array.from({ length: 32 }, (_, i) => i - 16.5);
  values[0] = 127;
  const expected = Float32Array.from(
    values,
    (value) => Math.sign(value) * Math.round(Math.abs(value)),
  );
  expect(dequantizeQ8(quantizeQ8(values))).toEqual(expected);
});

test('zeros stay zeros', () => {
  expect(dequantizeQ8(quantizeQ8(new Float32Array(64)))).toEqual(new Float32Array(64));
});
