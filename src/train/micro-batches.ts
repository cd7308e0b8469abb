/** Splits an optimizer step into micro-batches of like lengths, so that little is padded. */

/**
 * @param lengthOf Sorted by it, longest first: a batch that does not fit in memory fails at once.
 * @param size Items per micro-batch; the last may have fewer.
 */
export function microBatches<T>(
  items: readonly T[],
  { size, lengthOf }: { readonly size: number; readonly lengthOf: (item: T) => number },
): T[][] {
  const sorted = [...items].sort((a, b) => lengthOf(b) - lengthOf(a));
  const out: T[][] = [];
  for (let start = 0; start < sorted.length; start += size) {
    out.push(sorted.slice(start, start + size));
  }
  return out;
}
