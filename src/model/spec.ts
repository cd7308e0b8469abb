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

/** A layer in which tokens attend to those before them. */
export interface AttentionLayer {
  readonly mixer: 'attention';
  /** Index into `DecoderSpec.ropes`, or null for a layer without positions (NoPE). */
  readonly rope: number | null;
  /** Sliding window in tokens (a query sees itself and `window − 1` before it), or null for all. */
  readonly window: number | null;
}

/**
 * A gated short convolution (LFM2): with b, c, x = in(h), side by side, out(c ⊙ conv(b ⊙ x)), where conv sums each
 * channel by itself over a token and those before it in its sequence, zeros before the first.
 */
export interface ShortConvLayer {
  readonly mixer: 'short_conv';
  /** Tokens that a result is made of, its own the last. */
  readonly taps: number;
  /** On both projections and on the convolution. */
  readonly bias: boolean;
}

/** By what mixes the tokens of a sequence. */
export type LayerSpec = AttentionLayer | ShortConvLayer;

/** Where a layer has RMSNorm, by the names of the modules in it; null: none there. */
export interface LayerNorms {
  /** Before and after attention, or what mixes tokens in its place. */
  readonly beforeAttention: string | null;
  readonly afterAttention: string | null;
  readonly beforeMlp: string | null;
  readonly afterMlp: string | null;
}

/** What families call the same module. */
export interface ModuleNames {
  /** In `self_attn`. */
  readonly attentionOutput: string;
  readonly queryNorm: string;
  readonly keyNorm: string;
  /** In a layer, and what is in it. */
  readonly mlp: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
  /** The norm after the last layer, by its whole name. */
  readonly finalNorm: string;
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
  readonly names: ModuleNames;
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

const linear = (
  module: string,
  inFeatures: number,
  outFeatures: number,
  bias: boolean,
): LinearModule => ({ module, inFeatures, outFeatures, bias });

/** One layer's linear modules in order of use, by what they take. */
export interface LinearGroups {
  /** Take a norm's result: queries, keys and values, or a convolution's b, c and x as one. */
  readonly mixerIn: readonly LinearModule[];
  /** Takes what tokens were mixed to. */
  readonly mixerOut: LinearModule;
  /** Take a norm's result: gate and up. */
  readonly gateUp: readonly LinearModule[];
  /** Takes the gated activation. */
  readonly down: LinearModule;
}

export function linearGroups(spec: DecoderSpec, layer: number): LinearGroups {
  const { hiddenSize: hidden, intermediateSize: inner, names, bias } = spec;
  const mlp = `model.layers.${layer}.${names.mlp}`;
  const gateUp = spec.fusedProjections
    ? [linear(`${mlp}.gate_up_proj`, hidden, 2 * inner, bias.mlp)]
    : [
        linear(`${mlp}.${names.gate}`, hidden, inner, bias.mlp),
        linear(`${mlp}.${names.up}`, hidden, inner, bias.mlp),
      ];
  const down = linear(`${mlp}.${names.down}`, inner, hidden, bias.mlp);
  return { ...mixerLinears(spec, layer), gateUp, down };
}

function mixerLinears(
  spec: DecoderSpec,
  layer: number,
): Pick<LinearGroups, 'mixerIn' | 'mixerOut'> {
  const { hiddenSize: hidden, headDim, bias, names } = spec;
  const mixer = spec.layers[layer]!;
  if (mixer.mixer === 'short_conv') {
    const module = convModule(layer);
    return {
      mixerIn: [linear(`${module}.in_proj`, hidden, 3 * hidden, mixer.bias)],
      mixerOut: linear(`${module}.out_proj`, hidden, hidden, mixer.bias),
    };
  }
  const queries = spec.numHeads * headDim;
  const keys = spec.numKvHeads * headDim;
  const attention = `model.layers.${layer}.self_attn`;
  const mixerIn = spec.fusedProjections
    ? [linear(`${attention}.qkv_proj`, hidden, queries + 2 * keys, bias.q)]
    : [
        linear(`${attention}.q_proj`, hidden, queries, bias.q),
        linear(`${attention}.k_proj`, hidden, keys, bias.k),
        linear(`${attention}.v_proj`, hidden, keys, bias.v),
      ];
  return {
    mixerIn,
    mixerOut: linear(`${attention}.${names.attentionOutput}`, queries, hidden, bias.o),
  };
}

const convModule = (layer: number): string => `model.layers.${layer}.conv`;

/** Kernel, `[hidden, 1, taps]`, and bias, `[hidden]`, of a layer's convolution by their Hugging Face names. */
interface ConvWeights {
  readonly kernel: string;
  readonly bias: string | null;
}

export const convWeights = (layer: number, { bias }: ShortConvLayer): ConvWeights => ({
  kernel: `${convModule(layer)}.conv.weight`,
  bias: bias ? `${convModule(layer)}.conv.bias` : null,
});

/** Names and shapes of one layer's linear modules, in order of use. */
export function layerLinears(spec: DecoderSpec, layer: number): LinearModule[] {
  const { mixerIn, mixerOut, gateUp, down } = linearGroups(spec, layer);
  return [...mixerIn, mixerOut, ...gateUp, down];
}

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

/** Names and lengths of the norms on queries and on keys; null for a layer without them. */
export function headNorms(
  spec: DecoderSpec,
  layer: number,
): readonly [NormWeight, NormWeight] | null {
  const { qkNorm, names, headDim } = spec;
  if (qkNorm === 'none' || spec.layers[layer]!.mixer !== 'attention') return null;
  const norm = (module: string, heads: number): NormWeight => ({
    name: `model.layers.${layer}.self_attn.${module}.weight`,
    length: qkNorm === 'head' ? headDim : heads * headDim,
  });
  return [norm(names.queryNorm, spec.numHeads), norm(names.keyNorm, spec.numKvHeads)];
}

export interface NormWeight {
  readonly name: string;
  readonly length: number;
}

/** What one layer has besides linear modules: norms and convolutions, by Hugging Face name. */
function otherShapes(spec: DecoderSpec, layer: number): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const name of Object.values(layerNorms(spec, layer))) {
    if (name !== null) shapes.set(name, [spec.hiddenSize]);
  }
  for (const { name, length } of headNorms(spec, layer) ?? []) shapes.set(name, [length]);
  const mixer = spec.layers[layer]!;
  if (mixer.mixer !== 'short_conv') return shapes;
  const { kernel, bias } = convWeights(layer, mixer);
  shapes.set(kernel, [spec.hiddenSize, 1, mixer.taps]);
  if (bias !== null) shapes.set(bias, [spec.hiddenSize]);
  return shapes;
}

export const EMBEDDING = 'model.embed_tokens.weight';
export const LM_HEAD = 'lm_head.weight';

/** The weight of the norm after the last layer. */
export const finalNorm = ({ names }: Pick<DecoderSpec, 'names'>): string =>
  `${names.finalNorm}.weight`;

/** The layers with attention, in order. */
export const attentionLayers = ({ layers }: Pick<DecoderSpec, 'layers'>): AttentionLayer[] =>
  layers.filter((layer) => layer.mixer === 'attention');

/** A layer that is known to have attention. @throws Error where it has none */
export function attentionLayer({ layers }: DecoderSpec, layer: number): AttentionLayer {
  const found = layers[layer];
  if (found?.mixer === 'attention') return found;
  throw new Error(`DecoderSpec: layer ${layer} has no attention`);
}

/** Every tensor that a checkpoint of this architecture holds, by Hugging Face name, with its shape. */
export function parameterShapes(spec: DecoderSpec): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  shapes.set(EMBEDDING, [spec.vocabSize, spec.hiddenSize]);
  for (const layer of spec.layers.keys()) {
    for (const { module, inFeatures, outFeatures, bias } of layerLinears(spec, layer)) {
      shapes.set(`${module}.weight`, [outFeatures, inFeatures]);
      if (bias) shapes.set(`${module}.bias`, [outFeatures]);
    }
    for (const [name, shape] of otherShapes(spec, layer)) shapes.set(name, shape);
  }
  shapes.set(finalNorm(spec), [spec.hiddenSize]);
  if (!spec.tieWordEmbeddings) shapes.set(LM_HEAD, [spec.vocabSize, spec.hiddenSize]);
  return shapes;
}
