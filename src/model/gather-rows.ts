/** Rows of a matrix that is kept in any element type: embeddings of ids. */
import { attr, type ComputeType, castTo, executeOp, type Tensor, tf } from '../tensor/index.js';

/** @returns float32, one row for each of the int32 `ids` */
export function gatherRows(matrix: Tensor, ids: Tensor, type: ComputeType): Tensor {
  if (type === 'float32') return tf.gather(matrix, ids as never);
  const attrs = [
    attr.type('Tparams', type),
    attr.type('Tindices', 'int32'),
    attr.type('Taxis', 'int32'),
    attr.int('batch_dims', 0),
  ];
  return castTo(
    executeOp('GatherV2', attrs, [matrix, ids, tf.scalar(0, 'int32')]),
    type,
    'float32',
  );
}
