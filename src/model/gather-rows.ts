/** Rows of a matrix that is kept in any element type: embeddings of ids. */
import { type ComputeType, castTo, gather, rowsAt, type Tensor } from '../tensor/index.js';

/** @returns float32, one row for each of the int32 `ids` */
export function gatherRows(matrix: Tensor, ids: Tensor, type: ComputeType): Tensor {
  if (type === 'float32') return gather(matrix, ids);
  return castTo(rowsAt(matrix, ids, type), type, 'float32');
}
