/** Uniform random tensors that are a function of a key. */
import { attr, executeOp, type Tensor, tf } from '../tensor/index.js';
import { Rng } from '../util/rng.js';

/** Numbers in [0, 1); the same for the same key and shape. */
export function keyedUniform(shape: readonly number[], key: readonly (number | string)[]): Tensor {
  const rng = Rng.of(...key);
  const seed = tf.tensor1d([rng.int(0, 2 ** 31 - 1), rng.int(0, 2 ** 31 - 1)], 'int32');
  const types = [
    attr.type('dtype', 'float32'),
    attr.type('T', 'int32'),
    attr.type('Tseed', 'int32'),
  ];
  const wanted = tf.tensor1d(shape as number[], 'int32');
  return executeOp('StatelessRandomUniform', types, [wanted, seed]);
}
