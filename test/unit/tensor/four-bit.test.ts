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

// A part of a block and an odd number of values at the end, blocks and groups that are whole.
const SHAPES = [
  [1, 1],
  [7, 30],
  [75, 333],
  [256, 64],
] as const;

const bytesOf = ({ buffer }: Float32Array) => Buffer.from(buffer as ArrayBuffer);

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
    expect(bytesOf(full(made)).equals(bytesOf(expected))).toBe(true);
    const half = weight.values('bfloat16');
    const rounded = tf.tidy(() => full(castTo(tf.tensor1d(expected), 'float32', 'bfloat16')));
    expect(bytesOf(full(half)).equals(bytesOf(rounded))).toBe(true);
    tf.dispose([made, half]);
    expect(tf.memory().numTensors).toBe(held);
    weight.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

// TensorFlow's operations make 2²² values at a time. Codes of no matrix take no time to be found.
test.each([false, true])('more values than are made at once, nested %s', (isNested) => {
  const shape = [1025, 4097] as const;
  const size = shape[0] * shape[1];
  const small = toFourBit(randomMatrix(260, 64), { type: 'nf4', isNested });
  const blocks = Math.ceil(size / 64);
  const cycled = <T extends Uint8Array | Float32Array>(part: T, length: number): T =>
    new (part.constructor as new (length: number) => T)(length).map(
      (_, i) => part[i % part.length]!,
    ) as T;
  const { absmax, ...rest } = small;
  const host = {
    ...rest,
    packed: cycled(small.packed, Math.ceil(size / 2)),
    absmax:
      absmax instanceof Float32Array
        ? cycled(absmax, blocks)
        : {
            ...absmax,
            codes: cycled(absmax.codes, blocks),
            absmax: cycled(absmax.absmax, Math.ceil(blocks / 256)),
          },
  };
  const weight = new FourBitWeight(host, { name: 'w', shape });
  const made = weight.values('float32');
  expect(bytesOf(full(made)).equals(bytesOf(fromFourBit(host, size)))).toBe(true);
  made.dispose();
  weight.dispose();
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
