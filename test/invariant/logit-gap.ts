/** Logits of a policy beside those of a reference. */
import type { Policy, TokenBatch } from '../../src/model/index.js';
import { largestGap } from '../support/gaps.js';
import { logpsOf } from '../support/token-rows.js';

/** Every token of the vocabulary as a target at every position; rows share nothing, even where they begin alike. */
function wholeVocabulary(rows: readonly (readonly number[])[], vocabSize: number): TokenBatch {
  const ids = Int32Array.from(rows.flat());
  let start = 0;
  const runs = rows.map(({ length }) => {
    start += length;
    return { start: start - length, length, prefix: -1 };
  });
  const size = ids.length * vocabSize;
  return {
    ids,
    runs,
    predictors: Int32Array.from({ length: size }, (_, i) => Math.floor(i / vocabSize)),
    targets: Int32Array.from({ length: size }, (_, i) => i % vocabSize),
  };
}

/** log-softmax of each row of V numbers. */
function logSoftmax(logits: Float32Array, vocabSize: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += vocabSize) {
    const row = logits.subarray(start, start + vocabSize);
    const top = Math.max(...row);
    const total = Math.log(row.reduce((sum, z) => sum + Math.exp(z - top), 0)) + top;
    for (const [i, z] of row.entries()) out[start + i] = z - total;
  }
  return out;
}

/**
 * Largest difference of log-softmax over all positions and tokens.
 * @param expected Logits, `[Σ length, V]`.
 */
export async function logitGap(
  policy: Policy,
  rows: readonly (readonly number[])[],
  expected: Float32Array,
): Promise<number> {
  const { vocabSize } = policy.spec;
  const scores = await policy.score(wholeVocabulary(rows, vocabSize));
  return largestGap(logpsOf(scores), logSoftmax(expected, vocabSize));
}
