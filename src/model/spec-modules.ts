/** The modules and weights of a decoder by the names that Hugging Face and PEFT use, with their shapes. */
import { sum } from '../util/numbers.js';
import type { DecoderSpec, GatedDeltaLayer, LayerNorms, ShortConvLayer } from './spec.js';
import {
  type ExpertParameter,
  expertMatrices,
  expertParameters,
  expertShapes,
  mlpModule,
} from './spec-experts.js';

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
  /**
   * Take a norm's result: queries (with their gates), keys and values; a convolution's b, c and x as one; or a delta
   * rule's queries, keys and values as one, z, b and a.
   */
  readonly mixerIn: readonly LinearModule[];
  /** Takes what tokens were mixed to. */
  readonly mixerOut: LinearModule;
  /** Null where experts stand in its place, which are no modules to PEFT. */
  readonly mlp: {
    /** Take a norm's result: gate, where there is one, and up. */
    readonly gateUp: readonly LinearModule[];
    /** Takes the gated activation. */
    readonly down: LinearModule;
  } | null;
}

export const linearGroups = (spec: DecoderSpec, layer: number): LinearGroups => ({
  ...mixerLinears(spec, layer),
  mlp: spec.experts === null ? mlpLinears(spec, layer) : null,
});

function mlpLinears(spec: DecoderSpec, layer: number): NonNullable<LinearGroups['mlp']> {
  const { hiddenSize: hidden, intermediateSize: inner, names, bias } = spec;
  const mlp = mlpModule(spec, layer);
  const gateUp = spec.fusedProjections.gateUp
    ? [linear(`${mlp}.${names.gateUp}`, hidden, 2 * inner, bias.mlp)]
    : [...(spec.mlpGate === 'linear' ? [names.gate] : []), names.up].map((name) =>
        linear(`${mlp}.${name}`, hidden, inner, bias.mlp),
      );
  const down = linear(`${mlp}.${names.down}`, inner, hidden, bias.mlp);
  return { gateUp, down };
}

/** What may have LoRA, in layer order: linear modules except the output head, and parameters of experts. */
export const adaptable = (spec: DecoderSpec): (LinearModule | ExpertParameter)[] =>
  spec.layers.flatMap((_, layer) => [
    ...layerLinears(spec, layer),
    ...(spec.experts === null ? [] : expertParameters(spec, layer)),
  ]);

/** Matrices that may be kept in fewer bits: of linear modules and of experts. */
export const wideWeights = (spec: DecoderSpec): string[] => [
  ...linearModules(spec).map(({ module }) => `${module}.weight`),
  ...expertMatrices(spec),
];

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
  if (mixer.mixer === 'gated_delta') return deltaLinears(layer, mixer, hidden);
  const queries = spec.numHeads * headDim;
  const keys = spec.numKvHeads * headDim;
  const attention = `model.layers.${layer}.self_attn`;
  const mixerIn = spec.fusedProjections.qkv
    ? [linear(`${attention}.qkv_proj`, hidden, queries + 2 * keys, bias.q)]
    : [
        linear(`${attention}.q_proj`, hidden, spec.attentionGate ? 2 * queries : queries, bias.q),
        linear(`${attention}.k_proj`, hidden, keys, bias.k),
        linear(`${attention}.v_proj`, hidden, keys, bias.v),
      ];
  return {
    mixerIn,
    mixerOut: linear(`${attention}.${names.attentionOutput}`, queries, hidden, bias.o),
  };
}

function deltaLinears(
  layer: number,
  mixer: GatedDeltaLayer,
  hidden: number,
): Pick<LinearGroups, 'mixerIn' | 'mixerOut'> {
  const module = deltaModule(layer);
  const { valueHeads, valueDim } = mixer;
  const values = valueHeads * valueDim;
  return {
    mixerIn: [
      linear(`${module}.in_proj_qkv`, hidden, sum(deltaWidths(mixer)), false),
      linear(`${module}.in_proj_z`, hidden, values, false),
      linear(`${module}.in_proj_b`, hidden, valueHeads, false),
      linear(`${module}.in_proj_a`, hidden, valueHeads, false),
    ],
    mixerOut: linear(`${module}.out_proj`, values, hidden, false),
  };
}

const convModule = (layer: number): string => `model.layers.${layer}.conv`;
const deltaModule = (layer: number): string => `model.layers.${layer}.linear_attn`;

/** Columns of queries, keys and values, which stand side by side. */
export const deltaWidths = (mixer: GatedDeltaLayer): readonly [number, number, number] => {
  const keys = mixer.keyHeads * mixer.keyDim;
  return [keys, keys, mixer.valueHeads * mixer.valueDim];
};

/** Kernel, `[channels, 1, taps]`, and bias, `[channels]`, of a layer's convolution by their Hugging Face names. */
interface ConvWeights {
  readonly kernel: string;
  readonly bias: string | null;
  readonly channels: number;
}

export function convWeights(
  { hiddenSize }: Pick<DecoderSpec, 'hiddenSize'>,
  layer: number,
  mixer: ShortConvLayer | GatedDeltaLayer,
): ConvWeights {
  if (mixer.mixer === 'gated_delta') {
    const kernel = `${deltaModule(layer)}.conv1d.weight`;
    return { kernel, bias: null, channels: sum(deltaWidths(mixer)) };
  }
  return {
    kernel: `${convModule(layer)}.conv.weight`,
    bias: mixer.bias ? `${convModule(layer)}.conv.bias` : null,
    channels: hiddenSize,
  };
}

/** By their Hugging Face names: the logarithm of the decay's rate and what is added to a, `[valueHeads]`; the norm, `[valueDim]`. */
interface DeltaWeights {
  readonly aLog: string;
  readonly dtBias: string;
  readonly norm: string;
}

export const deltaWeights = (layer: number): DeltaWeights => ({
  aLog: `${deltaModule(layer)}.A_log`,
  dtBias: `${deltaModule(layer)}.dt_bias`,
  norm: `${deltaModule(layer)}.norm.weight`,
});

/** Names and shapes of one layer's linear modules, in order of use. */
export function layerLinears(spec: DecoderSpec, layer: number): LinearModule[] {
  const { mixerIn, mixerOut, mlp } = linearGroups(spec, layer);
  return [...mixerIn, mixerOut, ...(mlp === null ? [] : [...mlp.gateUp, mlp.down])];
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

/** The sinks of a layer's attention, `[heads]`; null where it has none. */
export const sinksOf = (spec: DecoderSpec, layer: number): string | null =>
  spec.attentionSinks && spec.layers[layer]!.mixer === 'attention'
    ? `model.layers.${layer}.self_attn.sinks`
    : null;

/** What one layer has besides linear modules: experts, norms, sinks, convolutions and decays, by Hugging Face name. */
function otherShapes(spec: DecoderSpec, layer: number): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>(expertShapes(spec, layer));
  for (const name of Object.values(layerNorms(spec, layer))) {
    if (name === null) continue;
    for (const part of normParts(spec, name)) shapes.set(part, [spec.hiddenSize]);
  }
  for (const { name, length } of headNorms(spec, layer) ?? []) shapes.set(name, [length]);
  const sinks = sinksOf(spec, layer);
  if (sinks !== null) shapes.set(sinks, [spec.numHeads]);
  const mixer = spec.layers[layer]!;
  if (mixer.mixer === 'attention') return shapes;
  const { kernel, bias, channels } = convWeights(spec, layer, mixer);
  shapes.set(kernel, [channels, 1, mixer.taps]);
  if (bias !== null) shapes.set(bias, [channels]);
  if (mixer.mixer === 'short_conv') return shapes;
  const { aLog, dtBias, norm } = deltaWeights(layer);
  for (const name of [aLog, dtBias]) shapes.set(name, [mixer.valueHeads]);
  return shapes.set(norm, [mixer.valueDim]);
}

export const EMBEDDING = 'model.embed_tokens.weight';
export const LM_HEAD = 'lm_head.weight';
export const HEAD_BIAS = 'lm_head.bias';

/** The weight of the norm after the last layer. */
export const finalNorm = ({ names }: Pick<DecoderSpec, 'names'>): string =>
  `${names.finalNorm}.weight`;

/** The bias beside a norm's weight. */
export const normBias = (weight: string): string => weight.replace(/weight$/, 'bias');

const normParts = (spec: DecoderSpec, weight: string): string[] =>
  spec.normBias ? [weight, normBias(weight)] : [weight];

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
  for (const part of normParts(spec, finalNorm(spec))) shapes.set(part, [spec.hiddenSize]);
  if (!spec.tieWordEmbeddings) shapes.set(LM_HEAD, [spec.vocabSize, spec.hiddenSize]);
  if (spec.headBias) shapes.set(HEAD_BIAS, [spec.vocabSize]);
  return shapes;
}
