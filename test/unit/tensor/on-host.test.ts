import { expect, it } from 'vitest';
import { onHost } from '../../../src/tensor/on-host.js';
import { tf } from '../../../src/tensor/tf.js';

it('brings any number of values to the host, and leaves no tensor', () => {
  // More than a Set has room for, all different: their bits count up from those of 1.
  const bits = new Uint32Array(2 ** 24 + 1).map((_, i) => 0x3f800000 + i);
  const tensors = tf.memory().numTensors;
  const values = onHost(() => tf.tensor1d(new Float32Array(bits.buffer)).neg());
  expect([values.length, values[0], values[1], values.at(-1)]).toEqual([
    2 ** 24 + 1,
    -1,
    -(1 + 2 ** -23),
    -4,
  ]);
  expect(tf.memory().numTensors).toBe(tensors);
});
