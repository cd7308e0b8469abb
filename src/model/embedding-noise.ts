/**
 * NEFTune (Jain et al. 2023): uniform noise on the embeddings in training, in [−m, m] with
 * m = α/√(L·H), H the width and L the longest sequence of the batch, to which transformers pads the others.
 * Packed examples count one by one; TRL's flat packs have all their tokens for L, and less noise.
 */
import type { Tensor } from '../tensor/index.js';
import { keyedUniform } from './keyed-uniform.js';

export interface EmbeddingNoise {
  readonly alpha: number;
  /** L, tokens. */
  readonly length: number;
  /** The same seed draws the same noise, so that a recomputed segment sees it again. */
  readonly seed: number | string;
}

/** @param shape `[rows · L, H]` @returns the noise to add. */
export function embeddingNoise(
  shape: readonly number[],
  { alpha, length, seed }: EmbeddingNoise,
): Tensor {
  const magnitude = alpha / Math.sqrt(length * shape[1]!);
  return keyedUniform(shape, ['neftune', seed])
    .sub(0.5)
    .mul(2 * magnitude);
}
