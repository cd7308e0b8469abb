/** TensorFlow is called without the functions of node:util that Node 22 and 24 warn of, and Node 23 has in part. */
import util from 'node:util';
import { expect, test, vi } from 'vitest';
import { locateRuntime } from '../../../src/tensor/runtime.js';
import { tf } from '../../../src/tensor/tf.js';

test.skipIf(locateRuntime('cpu') === null)('no deprecated function of Node is called', () => {
  const deprecated = vi.fn();
  Object.assign(util, { isArray: deprecated, isNullOrUndefined: deprecated });
  expect(tf.topk(tf.tensor1d([1, 3, 2]), 2).values.dataSync()).toEqual(Float32Array.of(3, 2));
  expect(tf.concat([tf.scalar(1).reshape([1]), tf.tensor1d([2])]).dataSync()).toEqual(
    Float32Array.of(1, 2),
  );
  expect(deprecated).not.toHaveBeenCalled();
});
