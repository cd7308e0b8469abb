/** Token sequences with a loss mask → one right-padded `TokenBatch`. */
import type { TokenBatch } from './token-batch.js';

export interface MaskedSequence {
  readonly ids: readonly number[];
  /** `trained[t]`: the loss counts token t. Token 0 has no prediction and never counts. */
  readonly trained: readonly boolean[];
}

export interface CollatedBatch extends TokenBatch {
  /** `[M]` row of each target. */
  readonly sequences: Int32Array;
}

/** Targets stand in order of row, then position. */
export function collate(sequences: readonly MaskedSequence[]): CollatedBatch {
  const length = Math.max(...sequences.map(({ ids }) => ids.length));
  const ids = new Int32Array(sequences.length * length);
  const positions: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  for (const [row, sequence] of sequences.entries()) {
    ids.set(sequence.ids, row * length);
    for (let t = 1; t < sequence.ids.length; t++) {
      if (!sequence.trained[t]) continue;
      positions.push(row * length + t - 1);
      targets.push(sequence.ids[t]!);
      owners.push(row);
    }
  }
  return {
    rows: sequences.length,
    length,
    ids,
    positions: Int32Array.from(positions),
    targets: Int32Array.from(targets),
    sequences: Int32Array.from(owners),
  };
}

/** Number of tokens that the loss counts. */
export const trainedTokens = ({ trained }: MaskedSequence): number =>
  trained.reduce((sum, counts, t) => sum + (counts && t > 0 ? 1 : 0), 0);
