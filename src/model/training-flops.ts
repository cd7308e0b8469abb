/**
 * Floating-point operations of a training step's matrix products, to tell how much of a machine is used: after
 * Chowdhery et al. 2022 (PaLM), appendix B, but with causal pairs only in attention, and frozen weights without
 * the gradient that they do not need. Recomputed layers and convolutions, which
 * take no products of matrices, do not count.
 */

import { attentionLayers, type DecoderSpec } from './spec.js';
import { linearModules } from './spec-modules.js';

export interface FlopsQuestion {
  readonly spec: DecoderSpec;
  /** Tokens of each sequence; all but the first count in the loss, which is taken as all. */
  readonly lengths: readonly number[];
  /** Parameters of LoRA; null: all are trained. */
  readonly lora: number | null;
}

/** Query and key pairs of a causal sequence whose tokens see themselves and at most `window - 1` before them. */
function pairs(length: number, window: number | null): number {
  const seen = Math.min(window ?? length, length);
  return (seen * (seen + 1)) / 2 + (length - seen) * seen;
}

/**
 * A product takes 2 operations for each of its weights and tokens, as much again for the gradient of its input, and
 * again for that of its weights, which frozen ones do not need. Attention's two products have no weights.
 */
export function trainingFlops({ spec, lengths, lora }: FlopsQuestion): number {
  const head = spec.vocabSize * spec.hiddenSize;
  const weights = linearModules(spec).reduce((sum, m) => sum + m.inFeatures * m.outFeatures, head);
  const perToken = lora === null ? 6 * weights : 4 * weights + 6 * lora;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  let seen = 0;
  for (const { window } of attentionLayers(spec)) {
    for (const length of lengths) seen += pairs(length, window);
  }
  return perToken * tokens + 12 * spec.numHeads * spec.headDim * seen;
}
