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
