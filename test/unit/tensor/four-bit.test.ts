import { describe, expect, test } from 'vitest';
import { castTo, FourBitWeight, type Tensor, tf } from '../../../src/tensor/index.js';
import { Rng } from '../../../src/util/rng.js';
import { fromFourBit, toFourBit } from '../../../src/weights/four-bit.js';

function randomMatrix(rows: number, columns: number): Float32Array {
  const rng = Rng.of('four-bit', rows, columns);
  return Float32Array.from({ length: rows * columns }, () => rng.normal() / 10);
}

const full = (x: Tensor): Float32Array =>
  tf.tidy(() =>
    castTo(x, x.dtype === 'float32' ? 'float32' : 'bfloat16', 'float32').dataSync(),
  ) as Float32Array;

// A part of a block and an odd number of values at the end, blocks and groups that are whole, and more than is made
// at once.
const SHAPES = [
  [1, 1],
  [7, 30],
  [75, 333],
  [256, 64],
  [2100, 2010],
] as const;

describe.each(SHAPES)('a matrix of %d × %d', (rows, columns) => {
  const values = randomMatrix(rows, columns);

  test.each([
    ['nf4', false],
    ['nf4', true],
    ['fp4', false],
  ] as const)('%s, nested %s: the values that the host makes of it', (type, isNested) => {
    const host = toFourBit(values, { type, isNested });
    const expected = fromFourBit(host, values.length);
    const before = tf.memory().numTensors;
    const weight = new FourBitWeight(host, { name: 'w', shape: [rows, columns] });
    const held = tf.memory().numTensors;
    const made = weight.values('float32');
    expect(made.shape).toEqual([rows, columns]);
    expect(Buffer.from(full(made).buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    const half = weight.values('bfloat16');
    const rounded = tf.tidy(() => full(castTo(tf.tensor1d(expected), 'float32', 'bfloat16')));
    expect(Buffer.from(full(half).buffer).equals(Buffer.from(rounded.buffer))).toBe(true);
    tf.dispose([made, half]);
    expect(tf.memory().numTensors).toBe(held);
    weight.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

interface Wrong {
  readonly shape?: readonly [number, number];
  readonly table?: Float32Array;
  readonly absmax?: Float32Array;
  readonly nested?: object;
}

test.each<[Wrong, RegExp]>([
  [{ shape: [7, 31] }, /^w \[7, 31\] in 4 bits: codes of length 105, wanted 109$/],
  [{ table: new Float32Array(15) }, /a table of length 15, wanted 16/],
  [{ absmax: new Float32Array(3) }, /magnitudes of length 3, wanted 4/],
  [{ nested: { codes: new Uint8Array(5) } }, /codes of magnitudes of length 5, wanted 4/],
  [{ nested: { absmax: new Float32Array(2) } }, /magnitudes of groups of length 2, wanted 1/],
  [{ nested: { table: new Float32Array(16) } }, /a table of magnitudes of length 16, wanted 256/],
])('what has not the size of its matrix is refused: %s', ({ nested, shape, ...parts }, message) => {
  const values = randomMatrix(7, 30);
  const whole = toFourBit(values, { type: 'nf4', isNested: nested !== undefined });
  const absmax = { ...whole.absmax, ...nested };
  const host = { ...whole, ...(nested && { absmax }), ...parts };
  const matrix = { name: 'w', shape: shape ?? ([7, 30] as const) };
  const before = tf.memory().numTensors;
  expect(() => new FourBitWeight(host as typeof whole, matrix)).toThrow(message);
  expect(tf.memory().numTensors).toBe(before);
});
