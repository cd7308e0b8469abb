/**
 * Floating-point operations of a training step's matrix products, to tell how much of a machine is used: after
 * Chowdhery et al. 2022 (PaLM), appendix B, but with causal pairs only in attention, and frozen weights without
 * the gradient that they do not need. Recomputed layers and convolutions, which
 * take no products of matrices, do not count; of a gated delta rule its three products with the state do.
 */
import { sum } from '../util/numbers.js';
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

/** What is known for the key, the correction and what is read, for each token, and as much twice for the gradients. */
function stateFlops({ layers }: DecoderSpec): number {
  return sum(
    layers.map((layer) =>
      layer.mixer === 'gated_delta' ? 18 * layer.valueHeads * layer.keyDim * layer.valueDim : 0,
    ),
  );
}

/** Weights that a token is multiplied by: those of its own experts among them, and of the router. */
function weightsOfToken(spec: DecoderSpec): number {
  const { hiddenSize: hidden, intermediateSize: inner, experts, layers, vocabSize } = spec;
  const linear = sum(linearModules(spec).map((each) => each.inFeatures * each.outFeatures));
  const chosen = experts === null ? 0 : hidden * (experts.count + 3 * inner * experts.perToken);
  return linear + layers.length * chosen + vocabSize * hidden;
}

/**
 * A product takes 2 operations for each of its weights and tokens, as much again for the gradient of its input, and
 * again for that of its weights, which frozen ones do not need. Attention's two products have no weights.
 */
export function trainingFlops({ spec, lengths, lora }: FlopsQuestion): number {
  const weights = weightsOfToken(spec);
  const perToken = lora === null ? 6 * weights : 4 * weights + 6 * lora;
  const tokens = sum(lengths);
  let seen = 0;
  for (const { window } of attentionLayers(spec)) {
    for (const length of lengths) seen += pairs(length, window);
  }
  return (perToken + stateFlops(spec)) * tokens + 12 * spec.numHeads * spec.headDim * seen;
}
