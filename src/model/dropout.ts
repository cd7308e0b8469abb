/** Inverted dropout whose mask is a function of a key, so that a recomputed layer draws the same mask. */
import { dropoutMask, type Tensor } from '../tensor/index.js';
import { keyedSeed } from './keyed-uniform.js';

/** @param options.rate Share of elements set to zero. */
export const dropout = (
  x: Tensor,
  { rate, key }: { readonly rate: number; readonly key: readonly (number | string)[] },
): Tensor => x.mul(dropoutMask(x.shape, keyedSeed(['dropout', ...key]), rate));
