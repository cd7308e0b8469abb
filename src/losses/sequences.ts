/** Counting, weighing and summing over the tokens of the sequences in a micro-batch. */
import { gather, indicesOnDevice, segmentSums, type Tensor, tf } from '../tensor/index.js';

export interface Owners {
  /** `[M]` sequence of each token, 0 … count − 1. */
  readonly sequences: Int32Array;
  /** Sequences in this micro-batch. */
  readonly count: number;
}

/** Of each token, the sum over its sequence. `[M]` */
export function sumOfOwner(x: Tensor, { sequences, count }: Owners): Tensor {
  const owners = indicesOnDevice(sequences);
  return gather(segmentSums(x, owners, count), owners);
}

/** Of each token, the mean over its sequence. `[M]` */
export function meanOfOwner(x: Tensor, { sequences, count }: Owners): Tensor {
  const owners = indicesOnDevice(sequences);
  const lengths = tf.tensor1d(sequenceLengths(sequences, count));
  return gather(segmentSums(x, owners, count).div(lengths), owners);
}

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

/**
 * Length-desensitized DPO (LD-DPO, arXiv 2409.06411, eq. 9): of each pair the tokens of the longer answer past
 * the length of the shorter one count α, the others 1.
 * @param sequences `[M]`, in order within a sequence; 0 … pairs − 1 are chosen, pairs … 2·pairs − 1 rejected.
 * @returns `[M]`
 */
export function sharedLengthWeights(
  sequences: Int32Array,
  pairs: number,
  alpha: number,
): Float32Array {
  const lengths = new Int32Array(2 * pairs);
  for (const sequence of sequences) lengths[sequence]! += 1;
  const seen = new Int32Array(2 * pairs);
  return Float32Array.from(sequences, (sequence) => {
    const shared = Math.min(lengths[sequence % pairs]!, lengths[(sequence % pairs) + pairs]!);
    return seen[sequence]!++ < shared ? 1 : alpha;
  });
}
