/**
 * The architecture's own keys: sizes, norms, positions, windows, scalings, as llama.cpp's converter writes
 * them (`conversion/*.py`) and `src/models/<name>.cpp` reads them.
 */
import { attentionLayers, type DecoderSpec, type RopeSpec } from '../model/spec.js';
import type { Architecture } from './architectures.js';
import { ropeInFile } from './rope.js';
import { count, flag, flags, float, integers, type Metadata, text } from './values.js';

/** @returns keys with the architecture's name in front */
export function hyperparameters(spec: DecoderSpec, { name, slides }: Architecture): Metadata {
  const [rope] = spec.ropes;
  const keys: Metadata = {
    ...sizes(spec),
    ...expertKeys(spec),
    ...(slides && windowKeys(spec)),
    ...FAMILY_KEYS[spec.family]?.(spec),
    ...under('rope', ropeInFile(rope!).metadata),
    ...(spec.ropes[1] !== undefined && { 'rope.freq_base_swa': float(spec.ropes[1].theta) }),
  };
  return under(name, keys);
}

const under = (prefix: string, keys: Metadata): Metadata =>
  Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${prefix}.${key}`, value]));

function sizes(spec: DecoderSpec): Metadata {
  return {
    vocab_size: count(spec.vocabSize),
    block_count: count(spec.layers.length),
    context_length: count(contextLength(spec)),
    embedding_length: count(spec.hiddenSize),
    feed_forward_length: count(spec.intermediateSize),
    'attention.head_count': count(spec.numHeads),
    'attention.head_count_kv': count(spec.numKvHeads),
    'attention.key_length': count(spec.headDim),
    'attention.value_length': count(spec.headDim),
    [`attention.layer_norm${spec.centredNorms ? '' : '_rms'}_epsilon`]: float(spec.normEps),
  };
}

const expertKeys = ({ experts }: DecoderSpec): Metadata =>
  experts === null
    ? {}
    : { expert_count: count(experts.count), expert_used_count: count(experts.perToken) };

/** Lorikeet ends where the short factors of `longrope` do; llama.cpp has the long ones too. */
function contextLength({ ropes, maxPositions }: DecoderSpec): number {
  const scaling = ropes[0]?.scaling;
  return scaling?.type === 'longrope' ? scaling.extendedLength : maxPositions;
}

/** The last of so many layers sees everything. */
const SLIDING_PERIODS: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3_text: 6,
  olmo3: 4,
  cohere2: 4,
};

/** Which layers slide stands in the file only where llama.cpp would assume others. */
function windowKeys(spec: DecoderSpec): Metadata {
  const layers = attentionLayers(spec);
  const window = layers.find((layer) => layer.window !== null)?.window ?? 0;
  const period = SLIDING_PERIODS[spec.family]!;
  const isUsual = layers.every((layer, i) => (layer.window !== null) === ((i + 1) % period !== 0));
  const pattern = flags(layers.map((layer) => layer.window !== null));
  return {
    'attention.sliding_window': count(window),
    ...(!isUsual && { 'attention.sliding_window_pattern': pattern }),
  };
}

const graniteKeys = (spec: DecoderSpec): Metadata => ({
  'attention.scale': float(spec.attentionScale),
  embedding_scale: float(spec.embeddingScale),
  residual_scale: float(spec.residualScale),
  logit_scale: float(1 / spec.logitScale),
});

const cohereKeys = ({ logitScale }: DecoderSpec): Metadata => ({
  logit_scale: float(logitScale),
  'rope.scaling.type': text('none'),
});

const FAMILY_KEYS: Readonly<Record<string, (spec: DecoderSpec) => Metadata>> = {
  gemma2: ({ attentionSoftcap, logitSoftcap }) => ({
    attn_logit_softcapping: float(attentionSoftcap!),
    final_logit_softcapping: float(logitSoftcap!),
  }),
  gemma3_text: ({ logitSoftcap }) =>
    logitSoftcap === null ? {} : { final_logit_softcapping: float(logitSoftcap) },
  cohere: cohereKeys,
  cohere2: cohereKeys,
  granite: graniteKeys,
  granitemoe: graniteKeys,
  granitemoehybrid: graniteKeys,
  lfm2: convKeys,
  phi3: (spec) => ({
    'attention.sliding_window': count(attentionLayers(spec)[0]?.window ?? 0),
    'rope.scaling.original_context_length': count(spec.maxPositions),
  }),
  qwen3_moe: ({ intermediateSize }) => ({ expert_feed_forward_length: count(intermediateSize) }),
  qwen3_5_text: deltaKeys,
  nemotron: () => ({ 'rope.scaling.type': text('none') }),
  stablelm: ({ parallelMlp }) => ({ use_parallel_residual: flag(parallelMlp) }),
};

/** llama.cpp convolves in the layers that have no keys. */
function convKeys({ layers, numKvHeads }: DecoderSpec): Metadata {
  const taps = layers.flatMap((layer) => (layer.mixer === 'short_conv' ? layer.taps : []));
  const keyHeads = layers.map(({ mixer }) => (mixer === 'attention' ? numKvHeads : 0));
  return {
    'attention.head_count_kv': integers(keyHeads),
    'shortconv.l_cache': count(taps[0] ?? 0),
  };
}

/** Older llama.cpp knows layers with attention by their interval alone. */
function deltaKeys({ layers, ropes }: DecoderSpec): Metadata {
  const recurs = layers.map(({ mixer }) => mixer === 'gated_delta');
  const delta = layers.find((layer) => layer.mixer === 'gated_delta');
  const interval = recurs.indexOf(false) + 1;
  const isEven = recurs.every((isDelta, i) => isDelta === ((i + 1) % interval !== 0));
  return {
    ...(delta !== undefined && {
      'ssm.conv_kernel': count(delta.taps),
      'ssm.state_size': count(delta.keyDim),
      'ssm.group_count': count(delta.keyHeads),
      'ssm.time_step_rank': count(delta.valueHeads),
      'ssm.inner_size': count(delta.valueHeads * delta.valueDim),
    }),
    'attention.recurrent_layers': flags(recurs),
    ...(isEven && { full_attention_interval: count(interval) }),
    'rope.dimension_sections': integers(sections(ropes[0]!)),
  };
}

/**
 * How many of the rotated pairs turn by time, by height and by width, in turns. In a text all three are the position;
 * a pair beyond them would not turn.
 */
const sections = ({ rotaryDim }: RopeSpec): number[] => [
  ...[0, 1, 2].map((axis) => Math.floor((rotaryDim / 2 + 2 - axis) / 3)),
  0,
];
