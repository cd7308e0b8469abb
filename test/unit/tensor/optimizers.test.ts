import { describe, expect, test } from 'vitest';
import {
  adamW,
  deviceInfo,
  lion,
  type Optimizer,
  ParameterVector,
  tf,
} from '../../../src/tensor/index.js';
import type { AdamWOptions } from '../../../src/tensor/optimizers/adamw.js';
import { dynamicCodes } from '../../../src/tensor/optimizers/moment.js';
import { PIECE } from '../../../src/tensor/optimizers/pieces.js';
import { Rng } from '../../../src/util/rng.js';

const ADAMW: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
  decayMask: null,
};

const vectorOf = (values: readonly number[]) =>
  new ParameterVector([{ name: 'p', shape: [values.length] }], [Float32Array.from(values)]);

/** Parameters after each update, whose norm is that of their change. */
function trajectory(
  optimizer: Optimizer,
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rate = 0.01,
): number[][] {
  const parameters = vectorOf(start);
  const before = tf.memory().numTensors;
  const out = gradients.map((gradient) => {
    const tensor = tf.tensor1d([...gradient]);
    const earlier = [...parameters.values.dataSync()];
    const norm = optimizer.apply(parameters, tensor, rate);
    const values = [...parameters.values.dataSync()];
    const change = Math.hypot(...values.map((value, i) => value - earlier[i]!));
    expect(norm.dataSync()).toBeAllclose([change]);
    tf.dispose([tensor, norm]);
    return values;
  });
  expect(tf.memory().numTensors).toBe(before);
  parameters.dispose();
  return out;
}

function randomRows(rows: number, size: number): number[][] {
  const rng = Rng.of('optimizers', rows);
  // Magnitudes from 1e-3 to 1 by stretches, as gradients of different layers have.
  return Array.from({ length: rows }, () =>
    Array.from({ length: size }, (_, i) => rng.normal() * 10 ** -Math.floor((4 * i) / size)),
  );
}

test('Lion by hand', () => {
  // β 0.9, 0.99; lr 0.01, decay 0.1. g = 2, −1: sign(0.1g) = 1, −1; p − 0.01·(sign + 0.1p).
  // m = 0.02, −0.01. Then g = −0.1, 0.5: 0.9m + 0.1g = 0.008 → 1, and 0.041 → 1.
  const optimizer = lion(2, { beta1: 0.9, beta2: 0.99, weightDecay: 0.1, decayMask: null });
  const gradients = [
    [2, -1],
    [-0.1, 0.5],
  ];
  const [first, second] = trajectory(optimizer, [1, 1], gradients);
  expect(first!).toBeAllclose([0.989, 1.009]);
  expect(second!).toBeAllclose([0.989 - 0.01 * 1.0989, 1.009 - 0.01 * 1.1009]);
  optimizer.dispose();
});

test('AdamW by hand', () => {
  // The first update is lr·g/(|g| + ε) whatever g: p·(1 − 0.001) − 0.01·sign g.
  const optimizer = adamW(2, { ...ADAMW, decayMask: Float32Array.of(1, 0) });
  expect(trajectory(optimizer, [1, 1], [[3, -0.5]])[0]!).toBeAllclose([0.989, 1.01]);
  optimizer.dispose();
});

const KINDS: Readonly<Record<string, (size: number, bits: 32 | 8) => Optimizer>> = {
  AdamW: (size, bits) => adamW(size, { ...ADAMW, bits }),
  Lion: (size, bits) =>
    lion(size, { beta1: 0.9, beta2: 0.99, weightDecay: 0.1, decayMask: null, bits }),
};

describe.each(Object.keys(KINDS))('%s', (name) => {
  const make = KINDS[name]!;
  const size = 700;
  const rows = randomRows(12, size);
  const start = Array.from({ length: size }, (_, i) => Math.sin(i));

  test.each([32, 8] as const)('goes on exactly from its state, %i bits', async (bits) => {
    const whole = make(size, bits);
    const expected = trajectory(whole, start, rows);
    const [first, rest] = [make(size, bits), make(size, bits)];
    const half = trajectory(first, start, rows.slice(0, 5));
    rest.restore(await first.state());
    expect(await rest.state()).toEqual(await first.state());
    expect(trajectory(rest, half.at(-1)!, rows.slice(5))).toEqual(expected.slice(5));
    for (const optimizer of [whole, first, rest]) optimizer.dispose();
  });

  test('8 bits stay near 32', () => {
    const [whole, small] = [make(size, 32), make(size, 8)];
    const [exact, near] = [trajectory(whole, start, rows), trajectory(small, start, rows)];
    const moved = exact.at(-1)!.map((value, i) => value - start[i]!);
    const gap = near.at(-1)!.map((value, i) => value - exact.at(-1)![i]!);
    expect(Math.hypot(...gap) / Math.hypot(...moved)).toBeLessThan(0.1);
    expect(gap.some((value) => value !== 0)).toBe(true);
    whole.dispose();
    small.dispose();
  });
});

describe('pieces of the parameters', () => {
  const size = PIECE[deviceInfo().device] + 300;
  const rng = Rng.of('pieces');
  const uniform = () => Float32Array.from({ length: size }, () => rng.uniform() - 0.5);
  const [start, decayMask, rates] = [uniform(), uniform(), uniform()];
  const gradients = [uniform(), uniform()];

  function updated(kind: 'AdamW' | 'Lion', bits: 32 | 8, from: number, to: number): Float32Array {
    const [mask, own] = [decayMask.slice(from, to), rates.slice(from, to)];
    const options = { ...ADAMW, bits, decayMask: mask, rates: own };
    const optimizer = (kind === 'AdamW' ? adamW : lion)(to - from, options);
    const parameters = new ParameterVector(
      [{ name: 'p', shape: [to - from] }],
      [start.slice(from, to)],
    );
    for (const gradient of gradients) {
      const part = tf.tensor1d(gradient.slice(from, to));
      tf.dispose([optimizer.apply(parameters, part, 0.01), part]);
    }
    const values = parameters.values.dataSync<'float32'>().slice();
    parameters.dispose();
    optimizer.dispose();
    return values;
  }

  test.each([
    ['AdamW', 32],
    ['AdamW', 8],
    ['Lion', 32],
    ['Lion', 8],
  ] as const)('are updated as vectors of their own, %s in %i bits', (kind, bits) => {
    const pieces = [updated(kind, bits, 0, size - 300), updated(kind, bits, size - 300, size)];
    const whole = updated(kind, bits, 0, size);
    const bytes = (values: Float32Array) => Buffer.from(values.buffer);
    expect(Buffer.concat(pieces.map(bytes)).equals(bytes(whole))).toBe(true);
    expect(bytes(whole).equals(bytes(start))).toBe(false);
  });
});

describe('the codes', () => {
  test.each([true, false])('are 256, ascending, within ±1; signed %s', (isSigned) => {
    const codes = dynamicCodes(isSigned);
    expect(codes).toHaveLength(256);
    expect([...codes].every((code, i) => i === 0 || code > codes[i - 1]!)).toBe(true);
    expect([codes[0], codes.at(-1)]).toEqual([isSigned ? -1 : 0, 1]);
    expect(codes.includes(0)).toBe(true);
  });

  test('are fractions of [0.1, 1] at each power of ten', () => {
    // Unsigned, i = 0: two parts, midpoints 0.325 and 0.775, times 1e-6. The last part of i = 6:
    // 0.1 + 0.9·127.5/128.
    const codes = dynamicCodes(false);
    expect([...codes.slice(1, 3)].map((code) => code * 1e6)).toBeAllclose([0.325, 0.775]);
    expect([codes.at(-2)!]).toBeAllclose([0.1 + (0.9 * 127.5) / 128]);
  });
});
