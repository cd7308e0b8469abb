/** Tensors of either element type, told apart, cast, cut and joined. */
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

/** What begins at `from` and has this shape; x itself where that is all of it. */
export function cut(x: Tensor, from: readonly number[], shape: readonly number[]): Tensor {
  if (shape.every((size, i) => size === x.shape[i])) return x;
  const attrs = [attr.type('T', typeOf(x)), attr.type('Index', 'int32')];
  const bounds = [from, shape].map((each) => tf.tensor1d(each as number[], 'int32'));
  return executeOp('Slice', attrs, [x, ...bounds]);
}

/** So many columns of a matrix, from `offset` on. */
export const columnsOf = (x: Tensor, offset: number, columns: number): Tensor =>
  cut(x, [0, offset], [x.shape[0]!, columns]);

/** Parts of these sizes along an axis. */
export function parted(x: Tensor, sizes: readonly number[], axis: 0 | 1): Tensor[] {
  if (sizes.length === 1) return [x];
  const attrs = [
    attr.type('T', typeOf(x)),
    attr.type('Tlen', 'int32'),
    attr.int('num_split', sizes.length),
  ];
  const inputs = [x, tf.tensor1d(sizes as number[], 'int32'), tf.scalar(axis, 'int32')];
  return executeOp('SplitV', attrs, inputs, sizes.length);
}

/** Parts of one type side by side (axis 1) or one below the other (axis 0). */
export function joined(parts: readonly Tensor[], axis: 0 | 1): Tensor {
  if (parts.length === 1) return parts[0]!;
  const attrs = [
    attr.int('N', parts.length),
    attr.type('T', typeOf(parts[0]!)),
    attr.type('Tidx', 'int32'),
  ];
  return executeOp('ConcatV2', attrs, [...parts, tf.scalar(axis, 'int32')]);
}

/** x itself where it has this shape. */
export function reshaped(x: Tensor, shape: readonly number[]): Tensor {
  if (shape.length === x.rank && shape.every((size, i) => size === x.shape[i])) return x;
  const attrs = [attr.type('T', typeOf(x)), attr.type('Tshape', 'int32')];
  return executeOp('Reshape', attrs, [x, tf.tensor1d(shape as number[], 'int32')]);
}

/** Rows of a matrix as columns. */
export function transposed(x: Tensor): Tensor {
  const attrs = [attr.type('T', typeOf(x)), attr.type('Tperm', 'int32')];
  return executeOp('Transpose', attrs, [x, tf.tensor1d([1, 0], 'int32')]);
}

/** Both of one type, whose own sum is float32. */
export const plus = (x: Tensor, y: Tensor): Tensor =>
  executeOp('AddV2', [attr.type('T', typeOf(x))], [x, y]);

/** Zeros of the type that `like` has. */
export const zeros = (shape: readonly number[], like: Tensor): Tensor =>
  castTo(tf.fill(shape as number[], 0), 'float32', typeOf(like));

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
