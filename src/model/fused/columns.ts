/** Results of projections, each by itself or side by side in one tensor. */
import { joined, parted, type Tensor } from '../../tensor/index.js';

/** As this many tensors: all of them side by side in one, or one for each of the widths. */
export function inColumns(
  tensors: readonly Tensor[],
  count: number,
  widths: readonly number[],
): Tensor[] {
  if (tensors.length === count) return [...tensors];
  return count === 1 ? [joined(tensors, 1)] : parted(tensors[0]!, widths, 1);
}
