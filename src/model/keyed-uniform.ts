/** Uniform random tensors that are a function of a key. */
import { seededUniform, type Tensor } from '../tensor/index.js';
import { Rng } from '../util/rng.js';

/** Numbers in [0, 1); the same for the same key and shape. */
export function keyedUniform(shape: readonly number[], key: readonly (number | string)[]): Tensor {
  const rng = Rng.of(...key);
  return seededUniform(shape, [rng.int(0, 2 ** 31 - 1), rng.int(0, 2 ** 31 - 1)]);
}
