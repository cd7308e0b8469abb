/** Rows of token ids for a policy, and what its scores of them say. */
import { collate } from '../../src/model/index.js';

/** Every token after the first of its row is a target. */
export const batchOf = (rows: readonly (readonly number[])[]) =>
  collate(rows.map((ids) => ({ ids, trained: ids.map(() => true) })));

/** Log-probabilities of the targets: column 0 of token scores. */
export const logpsOf = (scores: Float32Array): number[] =>
  Array.from({ length: scores.length / 3 }, (_, i) => scores[3 * i]!);
