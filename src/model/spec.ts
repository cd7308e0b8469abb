/**
 * The architecture as data. A checkpoint's `config.json` becomes one `DecoderSpec`; the trainer's
 * forward pass and the rollout graph are both compiled from it, so the two cannot drift apart.
 */

import type { DecoderRoot } from '../weights/index.js';

/** What changed the frequencies from powers of `theta`, for formats that store that and not the frequencies. */
export type RopeScaling =
  | { readonly type: 'default' | 'dynamic' | 'llama3' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      /** Length that the model was trained at before its context was extended. */
      readonly originalLength: number;
      /** Rotations within that length from which a dimension is kept, and below which it is interpolated. */
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Whether the dimensions where that begins and ends are rounded to whole ones. */
      readonly truncate: boolean;
    }
  | {
      readonly type: 'longrope';
      readonly originalLength: number;
      /** Length that the long factors lead to. */
      readonly extendedLength: number;
      /** One divisor per rotated pair, up to the original length and beyond it. */
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
    };

/** How position enters queries and keys. `scale` multiplies cos and sin (YaRN's attention factor). */
export interface RopeSpec {
  /** Base of the unscaled frequencies. */
  readonly theta: number;
  readonly scaling: RopeScaling;
  /** One inverse frequency per rotated pair, length `rotaryDim / 2`, scaling already applied. */
  readonly invFreq: readonly number[];
  /** Rotated leading part of the head; smaller than `headDim` for partial rotary. */
  readonly rotaryDim: number;
  readonly scale: number;
  /** Longest sequence these frequencies hold for; absent: any. `maxPositions` is at most as large. */
  readonly maxLength?: number;
}

export interface LayerSpec {
  /** Index into `DecoderSpec.ropes`, or null for a layer without positions (NoPE). */
  readonly rope: number | null;
  /** Sliding window in tokens (a query sees itself and `window − 1` before it), or null for all. */
  readonly window: number | null;
}

/** Where a layer has RMSNorm, by the names of the modules in it; null: none there. */
export interface LayerNorms {
  readonly beforeAttention: string | null;
  readonly afterAttention: string | null;
  readonly beforeMlp: string | null;
  readonly afterMlp: string | null;
}

export type Activation = 'silu' | 'gelu_tanh' | 'gelu';

export interface DecoderSpec {
  /** Hugging Face `model_type`. */
  readonly family: string;
  /** Where it stands in the model that PEFT sees; all names here are those of a decoder by itself. */
  readonly root: DecoderRoot;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  /** Longest context: what the checkpoint declares, or less where its ropes end before. */
  readonly maxPositions: number;
  readonly layers: readonly LayerSpec[];
  readonly ropes: readonly RopeSpec[];

  readonly normEps: number;
  /** RMSNorm multiplies by `weight + normOffset` (Gemma: 1). */
  readonly normOffset: number;
  readonly norms: LayerNorms;
  /** RMSNorm on queries and keys: per head, over the whole projection (OLMo 2), or none. */
  readonly qkNorm: 'none' | 'head' | 'full';

  readonly activation: Activation;
  readonly bias: {
    readonly q: boolean;
    readonly k: boolean;
    readonly v: boolean;
    readonly o: boolean;
    readonly mlp: boolean;
  };
  /** Checkpoint stores q, k and v (gate and up) as one matrix (Phi-3). */
  readonly fusedProjections: boolean;

  /** Softmax scale of attention; 1/√headDim unless the family says otherwise. */
  readonly attentionScale: number;
  /** `cap · tanh(score / cap)` on attention scores, or null. */
  readonly attentionSoftcap: number | null;
  /** The same on the final logits. */
  readonly logitSoftcap: number | null;
  /** Multiplies token embeddings. */
  readonly embeddingScale: number;
  /** Multiplies each sub-layer's output before it joins the residual stream (Granite). */
  readonly residualScale: number;
  /** Multiplies the final logits (Granite divides by `logits_scaling`). */
  readonly logitScale: number;
  readonly tieWordEmbeddings: boolean;
}

/** A linear module, by the name that Hugging Face and PEFT use, without `.weight`. */
export interface LinearModule {
  readonly module: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
}

/** One layer's linear modules in order of use, by what they take: a norm's result, attention's, a norm's, the gate's. */
export function linearGroups(spec: DecoderSpec, layer: number): readonly LinearModule[][] {
  const { hiddenSize: hidden, intermediateSize: inner, headDim, bias } = spec;
  const queries = spec.numHeads * headDim;
  const keys = spec.numKvHeads * headDim;
  const attention = `model.layers.${layer}.self_attn`;
  const mlp = `model.layers.${layer}.mlp`;
  const linear = (
    module: string,
    inFeatures: number,
    outFeatures: number,
    hasBias: boolean,
  ): LinearModule => ({ module, inFeatures, outFeatures, bias: hasBias });
  const projections = spec.fusedProjections
    ? [linear(`${attention}.qkv_proj`, hidden, queries + 2 * keys, bias.q)]
    : [
        linear(`${attention}.q_proj`, hidden, queries, bias.q),
        linear(`${attention}.k_proj`, hidden, keys, bias.k),
        linear(`${attention}.v_proj`, hidden, keys, bias.v),
      ];
  const gateUp = spec.fusedProjections
    ? [linear(`${mlp}.gate_up_proj`, hidden, 2 * inner, bias.mlp)]
    : [
        linear(`${mlp}.gate_proj`, hidden, inner, bias.mlp),
        linear(`${mlp}.up_proj`, hidden, inner, bias.mlp),
      ];
  return [
    projections,
    [linear(`${attention}.o_proj`, queries, hidden, bias.o)],
    gateUp,
    [linear(`${mlp}.down_proj`, inner, hidden, bias.mlp)],
  ];
}

/** Names and shapes of one layer's linear modules, in order of use. */
export const layerLinears = (spec: DecoderSpec, layer: number): LinearModule[] =>
  linearGroups(spec, layer).flat();

/** Every linear module except the output head, in layer order. */
export function linearModules(spec: DecoderSpec): LinearModule[] {
  return spec.layers.flatMap((_, layer) => layerLinears(spec, layer));
}

/** `spec.norms` with the full names of the weights in one layer. */
export function layerNorms({ norms }: DecoderSpec, layer: number): LayerNorms {
  const weight = (module: string | null) =>
    module === null ? null : `model.layers.${layer}.${module}.weight`;
  return {
    beforeAttention: weight(norms.beforeAttention),
    afterAttention: weight(norms.afterAttention),
    beforeMlp: weight(norms.beforeMlp),
    afterMlp: weight(norms.afterMlp),
  };
}

/** Norm weights of one layer by their Hugging Face names, with their lengths. */
function normLengths(spec: DecoderSpec, layer: number): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const name of Object.values(layerNorms(spec, layer))) {
    if (name !== null) lengths.set(name, spec.hiddenSize);
  }
  if (spec.qkNorm !== 'none') {
    const perHead = spec.qkNorm === 'head';
    const lengthOf = (heads: number) => (perHead ? spec.headDim : heads * spec.headDim);
    const prefix = `model.layers.${layer}.self_attn`;
    lengths.set(`${prefix}.q_norm.weight`, lengthOf(spec.numHeads));
    lengths.set(`${prefix}.k_norm.weight`, lengthOf(spec.numKvHeads));
  }
  return lengths;
}

export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';
export const LM_HEAD = 'lm_head.weight';

/** Every tensor that a checkpoint of this architecture holds, by Hugging Face name, with its shape. */
export function parameterShapes(spec: DecoderSpec): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  shapes.set(EMBEDDING, [spec.vocabSize, spec.hiddenSize]);
  for (const layer of spec.layers.keys()) {
    for (const { module, inFeatures, outFeatures, bias } of layerLinears(spec, layer)) {
      shapes.set(`${module}.weight`, [outFeatures, inFeatures]);
      if (bias) shapes.set(`${module}.bias`, [outFeatures]);
    }
    for (const [name, length] of normLengths(spec, layer)) shapes.set(name, [length]);
  }
  shapes.set(FINAL_NORM, [spec.hiddenSize]);
  if (!spec.tieWordEmbeddings) shapes.set(LM_HEAD, [spec.vocabSize, spec.hiddenSize]);
  return shapes;
}
