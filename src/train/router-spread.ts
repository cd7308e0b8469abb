/** How the routers of experts spread the tokens of a whole step, from its micro-batches. */
import type { RouterUse } from '../model/index.js';
import { sum } from '../util/numbers.js';

type Counts = Omit<RouterUse, 'probabilities'>;

export const totalCounts = (parts: readonly Counts[]): Counts => ({
  counts: summed(parts.map(({ counts }) => counts)),
  rows: sum(parts.map(({ rows }) => rows)),
});

/** Of vectors of one length. */
export const summed = (vectors: readonly ArrayLike<number>[]): number[] =>
  Array.from(vectors[0]!, (_, i) => sum(vectors.map((vector) => vector[i]!)));
