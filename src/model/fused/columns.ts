/** Projections that a checkpoint stores as one matrix: their result cut into columns, and joined again. */
import { joined, parted, type Tensor } from '../../tensor/index.js';

/** One tensor per width: the outputs as they are, or the single output cut. */
export const columnsOf = (
  outputs: readonly Tensor[],
  widths: readonly number[],
): readonly Tensor[] => (outputs.length > 1 ? outputs : parted(outputs[0]!, widths, 1));

/** The gradients of the parts as those of `count` outputs: each its own, or one of all. */
export const joinColumns = (parts: readonly Tensor[], count: number): readonly Tensor[] =>
  count > 1 ? parts : [joined(parts, 1)];
