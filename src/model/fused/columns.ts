/** Projections that a checkpoint stores as one matrix: their result cut into columns, and joined again. */
import { attr, type ComputeType, executeOp, type Tensor, tf } from '../../tensor/index.js';

/** One tensor per width: the outputs as they are, or the single output cut. */
export function columnsOf(
  outputs: readonly Tensor[],
  widths: readonly number[],
  type: ComputeType,
): readonly Tensor[] {
  if (outputs.length > 1) return outputs;
  const attrs = [
    attr.type('T', type),
    attr.type('Tlen', 'int32'),
    attr.int('num_split', widths.length),
  ];
  const sizes = tf.tensor1d(widths as number[], 'int32');
  return executeOp('SplitV', attrs, [outputs[0]!, sizes, tf.scalar(1, 'int32')], widths.length);
}

/** Matrices of one type side by side (axis 1) or one below the other (axis 0). */
export function joined(parts: readonly Tensor[], axis: 0 | 1, type: ComputeType): Tensor {
  if (parts.length === 1) return parts[0]!;
  const attrs = [attr.int('N', parts.length), attr.type('T', type), attr.type('Tidx', 'int32')];
  return executeOp('ConcatV2', attrs, [...parts, tf.scalar(axis, 'int32')]);
}

/** The gradients of the parts as those of `count` outputs: each its own, or one of all. */
export const joinColumns = (
  parts: readonly Tensor[],
  count: number,
  type: ComputeType,
): readonly Tensor[] => (count > 1 ? parts : [joined(parts, 1, type)]);
