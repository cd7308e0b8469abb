/** Counting the tokens of the sequences in a micro-batch. */

/**
 * Tokens of each sequence, at least 1 (what is divided by it is then 0).
 * @param sequences `[M]` sequence of each token.
 * @returns `[count]`
 */
export function sequenceLengths(sequences: Int32Array, count: number): Float32Array {
  const lengths = new Float32Array(count);
  for (const sequence of sequences) lengths[sequence]! += 1;
  return lengths.map((length) => Math.max(1, length));
}
