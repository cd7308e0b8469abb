/** Views of a flat vector in float32 and in bfloat16, and the gradient joined from those to either. */
import { afterEach, expect, it } from 'vitest';
import { HalfFactors, ParameterVector, type Tensor, tf } from '../../../src/tensor/index.js';
import { full } from '../../../src/tensor/kernels/half-tensor.js';
import { castTo } from '../../../src/tensor/native/calls.js';

const SHAPES = [
  { name: 'a', shape: [1, 2] },
  { name: 'b', shape: [2] },
  { name: 'c', shape: [1] },
];
const VALUES = [[1, 1 + 2 ** -12], [3, -4], [5]];

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each.dispose();
  expect(tf.memory().numTensors).toBe(start);
});
// What TensorFlow keeps for itself.
const start = tf.memory().numTensors;

function vectorOf(factors: readonly number[]): ParameterVector {
  const initial = VALUES.map((values) => Float32Array.from(values));
  const halfFactors = new HalfFactors(SHAPES, factors);
  const vector = new ParameterVector(SHAPES, initial, halfFactors);
  made.push(vector, halfFactors);
  return vector;
}

const valuesOf = (x: Tensor): unknown => tf.tidy(() => full(x).arraySync());

it('moves towards another by a share', () => {
  const [vector, other] = [vectorOf([]), vectorOf([])];
  vector.assign(Float32Array.of(1, 2, 0, -4, 8));
  other.assign(Float32Array.of(3, 2, -8, 4, 0));
  // TRL's SyncRefModelCallback: reference · (1 − α) + policy · α
  vector.mix(other, 0.25);
  expect(valuesOf(vector.values)).toEqual([1.5, 2, -2, -2, 6]);
  expect(valuesOf(other.values)).toEqual([3, 2, -8, 4, 0]);
});

it('views have the shapes of the parameters, and follow a replacement', () => {
  const vector = vectorOf([]);
  const views = vector.views();
  expect(['a', 'b', 'x'].map((name) => views.has(name))).toEqual([true, true, false]);
  expect(valuesOf(views.get('a')!)).toEqual([VALUES[0]]);
  expect(views.get('a')).toBe(views.get('a'));
  vector.assign(Float32Array.of(6, 7, 8, 9, 10));
  expect(valuesOf(vector.views().get('b')!)).toEqual([8, 9]);
});

it.each([
  { factors: [2, 2, 2], halves: [[[2, 2]], [6, -8], [10]] },
  { factors: [2, 1, 4], halves: [[[2, 2]], [3, -4], [20]] },
])('halves are rounded after their factors $factors', ({ factors, halves }) => {
  const vector = vectorOf(factors);
  const found = SHAPES.map(({ name }) => valuesOf(vector.halves().get(name)!));
  expect(found).toEqual(halves);
});

it.each([
  { factors: [2, 2, 2], gradient: [2, 4, 3, 0.5, 14] },
  { factors: [2, 1, 4], gradient: [2, 4, 3, 0.5, 28] },
  { factors: [2, 1, 4], gradient: [2, 4, 0, 0, 28], without: 'b' },
])('a gradient to a half passes its factor: $factors', ({ factors, gradient, without }) => {
  const vector = vectorOf(factors);
  const joined = tf.tidy(() => {
    const bfloat16 = (x: Tensor) => castTo(x, 'float32', 'bfloat16');
    const parts = new Map<string, Tensor>([
      ['a', bfloat16(tf.tensor2d([[1, 2]]))],
      ['b', tf.tensor1d([3, 0.5])],
      ['c', bfloat16(tf.tensor1d([7]))],
    ]);
    if (without !== undefined) parts.delete(without);
    return vector.join(parts);
  });
  made.push(joined);
  expect(valuesOf(joined)).toEqual(gradient);
});
