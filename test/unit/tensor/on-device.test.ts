/** Where the values of a tensor are held. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, it } from 'vitest';
import { onDevice, ParameterVector, type Tensor, tf } from '../../../src/tensor/index.js';

const SIZE = 1 << 22;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const held: { dispose(): void }[] = [];
afterEach(() => {
  for (const each of held.splice(0)) each.dispose();
});

/** Bytes of host arrays that are still there after some work. */
function hostBytes(work: () => { dispose(): void }): number {
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  held.push(work());
  collectGarbage();
  return process.memoryUsage().arrayBuffers - before;
}

const ones = () => new Float32Array(SIZE).fill(1);

it('a plain tensor keeps its host array, one on the device does not', () => {
  expect(hostBytes(() => tf.tensor1d(ones()))).toBeGreaterThanOrEqual(4 * SIZE);
  expect(hostBytes(() => onDevice(ones(), [SIZE]))).toBeLessThan(SIZE);
});

it('nor does a vector of parameters', () => {
  const shapes = [{ name: 'w', shape: [SIZE] }];
  expect(hostBytes(() => new ParameterVector(shapes, [ones()]))).toBeLessThan(SIZE);
});

it('the values are the same', async () => {
  const tensor: Tensor = onDevice(Float32Array.of(1, -2, 3.5, 0, 5, 6), [2, 3]);
  held.push(tensor);
  expect(tensor.shape).toEqual([2, 3]);
  expect(await tensor.array()).toEqual([
    [1, -2, 3.5],
    [0, 5, 6],
  ]);
});
