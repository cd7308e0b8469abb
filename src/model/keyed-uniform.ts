/** Uniform random tensors that are a function of a key. */
import { seededUniform, type Tensor } from '../tensor/index.js';
import { Rng } from '../util/rng.js';

/** Two integers below 2^31 that seed TensorFlow's generator. */
export function keyedSeed(key: readonly (number | string)[]): [number, number] {
  const rng = Rng.of(...key);
  return [rng.int(0, 2 ** 31 - 1), rng.int(0, 2 ** 31 - 1)];
}

/** Numbers in [0, 1); the same for the same key and shape. */
export const keyedUniform = (shape: readonly number[], key: readonly (number | string)[]): Tensor =>
  seededUniform(shape, keyedSeed(key));
