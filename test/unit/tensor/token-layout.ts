/** Runs of tokens → what operations take of a batch. */
import { chunkLayout } from '../../../src/model/chunk-layout.js';
import { denseLayout } from '../../../src/model/dense-layout.js';
import { type TokenRun, tokensBefore } from '../../../src/model/token-batch.js';
import { indicesOnDevice, type TokenLayout, tf } from '../../../src/tensor/index.js';

export const run = (start: number, length: number, prefix = -1): TokenRun => ({
  start,
  length,
  prefix,
});

export const tokensOf = (runs: readonly TokenRun[]): number =>
  runs.reduce((sum, { length }) => sum + length, 0);

/** Tokens of the sequence that a run ends, in order. */
export function chain(runs: readonly TokenRun[], index: number): number[] {
  const { start, length, prefix } = runs[index]!;
  const own = Array.from({ length }, (_, i) => start + i);
  return prefix < 0 ? own : [...chain(runs, prefix), ...own];
}

/** Positions are zeros. The tensors are the caller's, by a `tf.tidy` or until the process ends. */
export function tokenLayout(
  runs: readonly TokenRun[],
  { window = null, band = 128 }: { readonly window?: number | null; readonly band?: number } = {},
): TokenLayout {
  const rows = runs.flatMap(({ start, length, prefix }) => [start, length, prefix]);
  const dense = denseLayout(runs, { window, band });
  const chunks = chunkLayout(runs);
  return {
    positions: tf.zeros([tokensOf(runs)], 'int32'),
    segments: tf.tensor2d(rows, [runs.length, 3], 'int32'),
    dense: () => dense,
    before: (distance) => indicesOnDevice(tokensBefore(runs, distance)),
    chunks: () => chunks,
  };
}
