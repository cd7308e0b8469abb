/** Rows of a tensor by their indices, and sums of rows by them: each is the gradient of the other. */
import { attr, executeOp } from '../execute.js';
import type { ComputeType } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';

/**
 * As tf.gather, which knows no bfloat16 and reads every index back to check it. No gradient is recorded.
 * @param x `[N, …]` of the type @param indices int32 @returns of the type
 */
export function rowsAt(x: Tensor, indices: Tensor, type: ComputeType): Tensor {
  return gathered(x, indices, { type, axis: 0 });
}

/** One element of each row, x[i, columns[i]]. No gradient is recorded. @param x `[N, M]` float32 @param columns int32 `[N]` */
export const elementsAt = (x: Tensor, columns: Tensor): Tensor =>
  gathered(x, columns, { type: 'float32', axis: 1 });

/** Along an axis, for each index of those before it. */
function gathered(
  x: Tensor,
  indices: Tensor,
  { type, axis }: { readonly type: ComputeType; readonly axis: 0 | 1 },
): Tensor {
  const types = [
    attr.type('Tparams', type),
    attr.type('Tindices', 'int32'),
    attr.type('Taxis', 'int32'),
    attr.int('batch_dims', axis),
  ];
  return executeOp('GatherV2', types, [x, indices, tf.scalar(axis, 'int32')]);
}

type Save = (tensors: Tensor[]) => void;

/** `rowsAt` on the tape. @param x `[N, …]` float32 @param indices int32 `[M]` */
export function gather(x: Tensor, indices: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    (save as Save)([indices]);
    return {
      value: rowsAt(input as Tensor, indices, 'float32'),
      gradFunc: (dy: Tensor, [at]: Tensor[]) =>
        tf.unsortedSegmentSum(dy as never, at as never, x.shape[0]!),
    };
  })(x);
}

/**
 * Sums of the rows of each segment, on the tape; the gradient of tf.unsortedSegmentSum reads its indices back.
 * @param x `[M, …]` float32 @param segments int32 `[M]`, 0 … count − 1 @returns `[count, …]`
 */
export function segmentSums(x: Tensor, segments: Tensor, count: number): Tensor {
  return tf.customGrad((input, save) => {
    (save as Save)([segments]);
    return {
      value: tf.unsortedSegmentSum(input as never, segments as never, count),
      gradFunc: (dy: Tensor, [at]: Tensor[]) => rowsAt(dy, at!, 'float32'),
    };
  })(x);
}
