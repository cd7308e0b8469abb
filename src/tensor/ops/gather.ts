/** Rows of a tensor by their indices, in any element type. */
import { attr, executeOp } from '../execute.js';
import type { ComputeType } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';

/**
 * As tf.gather, which knows no bfloat16 and reads every index back to check it. No gradient is recorded.
 * @param x `[N, …]` of the type @param indices int32 @returns of the type
 */
export function rowsAt(x: Tensor, indices: Tensor, type: ComputeType): Tensor {
  const types = [
    attr.type('Tparams', type),
    attr.type('Tindices', 'int32'),
    attr.type('Taxis', 'int32'),
    attr.int('batch_dims', 0),
  ];
  return executeOp('GatherV2', types, [x, indices, tf.scalar(0, 'int32')]);
}
