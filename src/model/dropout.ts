/** Inverted dropout whose mask is a function of a key, so that a recomputed layer draws the same mask. */
import { attr, executeOp, type Tensor, tf } from '../tensor/index.js';
import { Rng } from '../util/rng.js';

/** @param options.rate Share of elements set to zero. */
export function dropout(
  x: Tensor,
  { rate, key }: { readonly rate: number; readonly key: readonly (number | string)[] },
): Tensor {
  const rng = Rng.of('dropout', ...key);
  const seed = tf.tensor1d([rng.int(0, 2 ** 31 - 1), rng.int(0, 2 ** 31 - 1)], 'int32');
  const types = [
    attr.type('dtype', 'float32'),
    attr.type('T', 'int32'),
    attr.type('Tseed', 'int32'),
  ];
  const uniform = executeOp('StatelessRandomUniform', types, [tf.tensor1d(x.shape, 'int32'), seed]);
  const mask = tf
    .greaterEqual(uniform, rate)
    .cast('float32')
    .mul(1 / (1 - rate));
  return x.mul(mask);
}
