/** Rows of a matrix that is kept in any element type: embeddings of ids. */
import { type ComputeType, castTo, rowsAt, type Tensor, tf } from '../tensor/index.js';

/** @returns float32, one row for each of the int32 `ids` */
export function gatherRows(matrix: Tensor, ids: Tensor, type: ComputeType): Tensor {
  if (type === 'float32') return tf.gather(matrix, ids as never);
  return castTo(rowsAt(matrix, ids, type), type, 'float32');
}
