/** Tensors of either element type, told apart, cast and cut. */
import { attr, executeOp } from '../execute.js';
import { type ComputeType, castTo } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';

/** A bfloat16 tensor reads as int32 (see `half-precision.ts`); none of integers comes here. */
export const typeOf = ({ dtype }: Tensor): ComputeType =>
  dtype === 'float32' ? 'float32' : 'bfloat16';

/** In float32. */
export const full = (x: Tensor): Tensor => castTo(x, typeOf(x), 'float32');

/** In bfloat16. */
export const half = (x: Tensor): Tensor => castTo(x, typeOf(x), 'bfloat16');

/** Columns `offset` … of a bfloat16 matrix. */
export function halfColumns(x: Tensor, offset: number, columns: number): Tensor {
  const [rows, all] = x.shape as [number, number];
  if (columns === all) return x;
  const attrs = [attr.type('T', 'bfloat16'), attr.type('Index', 'int32')];
  const [begin, size] = [tf.tensor1d([0, offset], 'int32'), tf.tensor1d([rows, columns], 'int32')];
  return executeOp('Slice', attrs, [x, begin, size]);
}

/** A·B of bfloat16 matrices, either of them transposed; bfloat16. */
export function halfProduct(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean },
): Tensor {
  const attrs = [
    attr.type('T', 'bfloat16'),
    attr.bool('transpose_a', transposeA),
    attr.bool('transpose_b', transposeB),
  ];
  return executeOp('MatMul', attrs, [a, b]);
}
