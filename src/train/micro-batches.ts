/** Splits an optimizer step into micro-batches: sequences with one prompt together, long ones first. */
import { chunks, groupBy } from '../util/group.js';
import { largest } from '../util/numbers.js';

export interface MicroBatching<T> {
  /** Items per micro-batch; the last may have fewer. */
  readonly size: number;
  /** Items are sorted by it, longest first: a batch that does not fit in memory fails at once. */
  readonly lengthOf: (item: T) => number;
  /** Items with one key stand together, so that what they share is computed once; default: none do. */
  readonly keyOf?: (item: T) => string;
}

export function microBatches<T>(items: readonly T[], options: MicroBatching<T>): T[][] {
  const { size, lengthOf, keyOf } = options;
  const groups = groupBy<T, unknown>(items, (item) => keyOf?.(item) ?? item);
  const longest = (group: readonly T[]) => largest(group.map(lengthOf));
  const sorted = [...groups.values()].sort((a, b) => longest(b) - longest(a)).flat();
  return chunks(sorted, size);
}
