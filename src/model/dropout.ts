/** Inverted dropout whose mask is a function of a key, so that a recomputed layer draws the same mask. */
import { type Tensor, tf } from '../tensor/index.js';
import { keyedUniform } from './keyed-uniform.js';

/** @param options.rate Share of elements set to zero. */
export function dropout(
  x: Tensor,
  { rate, key }: { readonly rate: number; readonly key: readonly (number | string)[] },
): Tensor {
  const mask = tf
    .greaterEqual(keyedUniform(x.shape, ['dropout', ...key]), rate)
    .cast('float32')
    .mul(1 / (1 - rate));
  return x.mul(mask);
}
