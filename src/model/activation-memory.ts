/** Bytes of activations: kept from the forward to the backward pass, and of the layer at work. */
import { sum } from '../util/numbers.js';
import { chunkSize } from './chunk-layout.js';
import { deltaTapeBytes, groupCount } from './delta-groups.js';
import { mostQueries } from './dense-layout.js';
import { FLOAT, type MemoryQuestion } from './memory-question.js';
import type { DecoderSpec } from './spec.js';
import { layerLinears, linearGroups } from './spec-modules.js';

/** Width inside the MLP, or inside all experts of a token. */
const innerOf = ({ intermediateSize, experts }: DecoderSpec): number =>
  intermediateSize * (experts?.perToken ?? 1);

/** Sum of the outputs of a layer's products, per token. */
function outputsOf(spec: DecoderSpec, layer: number): number {
  const linear = sum(layerLinears(spec, layer).map(({ outFeatures }) => outFeatures));
  if (spec.experts === null) return linear;
  const { count, perToken } = spec.experts;
  return linear + count + perToken * (2 * spec.intermediateSize + spec.hiddenSize);
}

/**
 * Bytes of queries, keys, values and attention's result, of heads before their norms and of gates; of a convolution or a
 * delta rule, those of what its first projections give.
 */
function mixerPerToken({ spec, elementBytes: e }: MemoryQuestion, layer: number): number {
  if (spec.layers[layer]!.mixer !== 'attention') {
    return e * sum(linearGroups(spec, layer).mixerIn.map(({ outFeatures }) => outFeatures));
  }
  const queries = spec.numHeads * spec.headDim;
  const keys = spec.numKvHeads * spec.headDim;
  const norms = spec.qkNorm === 'none' ? 0 : queries + keys;
  const gates = spec.attentionGate ? queries : 0;
  return e * (2 * queries + 2 * keys + norms + gates) + FLOAT * spec.numHeads;
}

/** Bytes of a token on the tape of a gated delta rule; 0 for another layer. */
function deltaTape({ spec, longest }: MemoryQuestion, layer: number): number {
  const mixer = spec.layers[layer]!;
  return mixer.mixer === 'gated_delta' ? deltaTapeBytes(mixer, chunkSize(longest)) : 0;
}

/** What the gradient takes beside the tape, in parts of it. */
const DELTA_GRADIENT = 2.2;

/** Tape and gradient of the heads at work, where layers are fused; else the gradient of all, beside what is kept. */
function deltaWorkingSet(question: MemoryQuestion): number {
  const { spec, tokens, isFused } = question;
  const each = spec.layers.map((mixer, layer) => {
    const tape = tokens * deltaTape(question, layer);
    if (mixer.mixer !== 'gated_delta' || !isFused) return DELTA_GRADIENT * tape;
    return ((1 + DELTA_GRADIENT) * tape) / groupCount(tape, mixer.keyHeads);
  });
  return Math.max(...each);
}

/** Bytes of a token's places among the rows of experts, by four orders. */
const routingPerToken = ({ experts }: DecoderSpec): number => FLOAT * 4 * (experts?.perToken ?? 0);

/** What gate and up of a token's experts make with A, of the rank that each expert has if all their matrices have LoRA. */
function expertLows({ spec, elementBytes: e, expertLora = 0 }: MemoryQuestion): number {
  if (spec.experts === null) return 0;
  const { count, perToken } = spec.experts;
  const perRank = spec.layers.length * count * (2 * spec.hiddenSize + 3 * spec.intermediateSize);
  return (2 * e * perToken * expertLora) / perRank;
}

/** Bytes that a layer keeps for its backward pass. */
export function keptByLayer(question: MemoryQuestion, layer: number): number {
  const { spec, tokens, elementBytes: e, isFused, isNative } = question;
  const { hiddenSize, experts } = spec;
  const inner = innerOf(spec);
  if (isFused) {
    // Gate and up, and in float32 without our own operations the activation of the gate; or up alone.
    const gated = spec.mlpGate === 'linear' ? 2 + (isNative || e !== FLOAT ? 0 : 1) : 1;
    const logits = FLOAT * (experts?.count ?? 0) + routingPerToken(spec);
    const perToken = 2 * FLOAT * hiddenSize + e * gated * inner + expertLows(question) + logits;
    return tokens * (perToken + mixerPerToken(question, layer));
  }
  // The tape keeps every intermediate.
  const perToken = FLOAT * (3 * outputsOf(spec, layer) + 8 * hiddenSize + 4 * inner);
  return tokens * (perToken + routingPerToken(spec) + deltaTape(question, layer));
}

/** Bytes that a recomputed layer keeps: its input, and what mixes tokens where layers are fused. */
export function keptByRecomputed(question: MemoryQuestion, layer: number): number {
  const { spec, tokens, isFused } = question;
  const mixed = isFused ? mixerPerToken(question, layer) : 0;
  return tokens * (FLOAT * spec.hiddenSize + routingPerToken(spec) + mixed);
}

/**
 * Rows of a token at its experts: what they take, and what they give in their order and in its; with LoRA on them what they
 * took, too.
 */
function expertsAtWork({ spec, elementBytes: e, expertLora = 0 }: MemoryQuestion): number {
  if (spec.experts === null) return 0;
  const rows = expertLora > 0 ? 2 : 1;
  return spec.experts.perToken * spec.hiddenSize * (rows * e + 2 * FLOAT);
}

export function workingSet(question: MemoryQuestion): number {
  const { spec, tokens, longest, elementBytes, isNative, isOnGpu } = question;
  // TensorFlow's own operations compute in float32 between products, whatever is kept.
  const e = isNative ? elementBytes : FLOAT;
  const { hiddenSize, intermediateSize, numHeads, headDim } = spec;
  const mlp = e * 5 * intermediateSize + 3 * FLOAT * hiddenSize + expertsAtWork(question);
  const attention = 2 * FLOAT * numHeads * headDim + e * 6 * numHeads * headDim;
  // In float32: b, c and x, the convolution at three distances, and the gradients to them.
  const convolves = spec.layers.some(({ mixer }) => mixer === 'short_conv');
  const convolution = convolves ? FLOAT * 12 * hiddenSize : 0;
  const delta = deltaWorkingSet(question);
  if (isNative) return Math.max(tokens * Math.max(mlp, attention, convolution), delta);
  const band = Math.min(longest, mostQueries({ heads: numHeads, keys: tokens, isOnGpu }));
  const mixer = 2 * Math.max(attention, convolution);
  return Math.max(tokens * (2 * mlp + mixer + 3 * FLOAT * numHeads * band), delta);
}

/** Of activations, one tensor: what is inside the MLP or all experts, or what all experts give. */
export function largestActivation({ spec, tokens, elementBytes }: MemoryQuestion): number {
  const given = (spec.experts?.perToken ?? 0) * spec.hiddenSize * FLOAT;
  return tokens * Math.max(innerOf(spec) * elementBytes, given);
}
