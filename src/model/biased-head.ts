/**
 * An output head with a bias as one without: z = W·h + b is [W b 0 …]·[h 1 0 …]. As many columns are added as products
 * take at once.
 */
import { type ComputeType, castTo, joined, type Tensor, tf } from '../tensor/index.js';

const COLUMNS = 16;

interface BiasedHead {
  /** `[V, H]`; frozen, in the compute type. */
  readonly weight: Tensor;
  /** `[V]` float32 */
  readonly bias: Tensor;
  readonly isTrained: boolean;
  readonly compute: ComputeType;
}

const zerosBeside = (column: Tensor): Tensor =>
  tf.concat([column, tf.zeros([column.shape[0]!, COLUMNS - 1])], 1);

/** @param hidden `[M, H]` @returns `[M, H + 16]` */
export const withOne = (hidden: Tensor): Tensor =>
  tf.concat([hidden, zerosBeside(tf.ones([hidden.shape[0]!, 1]))], 1);

/** @returns `[V, H + 16]` */
export function withBias({ weight, bias, isTrained, compute }: BiasedHead): Tensor {
  const columns = zerosBeside(bias.reshape([-1, 1]));
  if (isTrained) return tf.concat([weight, columns], 1);
  return joined([weight, castTo(columns, 'float32', compute)], 1);
}
