import { describe, expect, test } from 'vitest';
import { deviceInfo, type Tensor, tf } from '../../../src/tensor/index.js';

interface Backend {
  readonly tensorMap: { get(dataId: object): { readonly id: number } };
}

deviceInfo();
const { tensorMap } = tf.backend() as unknown as Backend;

/** The copy on the device of a tensor that an operation has taken. */
const copyOf = ({ dataId }: Tensor): number => tensorMap.get(dataId).id;

/** A number as operations take it. */
function taken(value: number): Tensor {
  const tensor = tf.scalar(value);
  tf.tidy(() => void tensor.add(0));
  return tensor;
}

describe('a number that operations take', () => {
  test('has one copy on the device, whose value is right', () => {
    tf.tidy(() => {
      const [a, b, other] = [taken(0.3125), taken(0.3125), taken(0.625)];
      expect(copyOf(a)).toBe(copyOf(b));
      expect(copyOf(other)).not.toBe(copyOf(a));
      const y = tf.tensor1d([1, 2]).mul(0.3125).mul(0.3125).add(0.3125);
      expect(y.arraySync()).toEqual([0.41015625, 0.5078125]);
    });
  });

  test('has a copy that outlives its tensors, and their clones', () => {
    const [a, b] = [taken(0.6875), taken(0.6875)];
    const copy = copyOf(a);
    const clone = a.clone();
    tf.dispose([a, b]);
    const sum = tf.tidy(() => clone.add(1).dataSync());
    expect(sum).toEqual(Float32Array.of(1.6875));
    clone.dispose();
    tf.tidy(() => {
      expect(copyOf(taken(0.6875))).toBe(copy);
      expect(tf.scalar(1).mul(0.6875).dataSync()).toEqual(Float32Array.of(0.6875));
    });
  });

  test('keeps the sign of zero', () => {
    const signs = tf.tidy(() => [0, -0].map((zero) => tf.scalar(1).div(zero).dataSync()[0]));
    expect(signs).toEqual([Infinity, -Infinity]);
  });

  test('loses its copy when many others have come since, unless a tensor still stands for it', () => {
    const [held, loose] = [taken(0.40625), taken(0.84375)];
    const [heldCopy, looseCopy] = [copyOf(held), copyOf(loose)];
    loose.dispose();
    for (let i = 0; i < 600; i++) taken(1000 + i).dispose();
    tf.tidy(() => {
      expect(copyOf(taken(0.40625))).toBe(heldCopy);
      expect(held.add(1).dataSync()).toEqual(Float32Array.of(1.40625));
      expect(copyOf(taken(0.84375))).not.toBe(looseCopy);
    });
    held.dispose();
  });
});

test('integers, and tensors of one element with a shape, have copies of their own', () => {
  tf.tidy(() => {
    const [a, b] = [tf.scalar(7, 'int32'), tf.scalar(7, 'int32')];
    expect(a.mul(b).dataSync()[0]).toBe(49);
    expect(copyOf(a)).not.toBe(copyOf(b));
    const [c, d] = [tf.tensor1d([7]), tf.tensor1d([7])];
    expect(c.mul(d).dataSync()[0]).toBe(49);
    expect(copyOf(c)).not.toBe(copyOf(d));
  });
});
