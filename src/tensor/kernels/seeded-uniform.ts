/** Uniform random tensors that are a function of a seed. */
import { attr, executeOp } from '../execute.js';
import { type Tensor, tf } from '../tf.js';

/** Numbers in [0, 1); the same for the same seed and shape. @param seed Two integers below 2^31. */
export function seededUniform(shape: readonly number[], seed: readonly [number, number]): Tensor {
  const types = [
    attr.type('dtype', 'float32'),
    attr.type('T', 'int32'),
    attr.type('Tseed', 'int32'),
  ];
  const wanted = tf.tensor1d(shape as number[], 'int32');
  return executeOp('StatelessRandomUniform', types, [wanted, tf.tensor1d([...seed], 'int32')]);
}

/** Mask of inverted dropout: 0 for a share of `rate`, else 1 / (1 − rate); float32 of `shape`. */
export const dropoutMask = (
  shape: readonly number[],
  seed: readonly [number, number],
  rate: number,
): Tensor =>
  tf
    .greaterEqual(seededUniform(shape, seed), rate)
    .cast('float32')
    .mul(1 / (1 - rate));
