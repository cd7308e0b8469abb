/**
 * The architecture's own keys: sizes, norms, positions, windows, scalings, as llama.cpp's converter writes
 * them (`conversion/*.py`) and `src/models/<name>.cpp` reads them.
 */
import { attentionLayers, type DecoderSpec } from '../model/spec.js';
import type { Architecture } from './architectures.js';
import { ropeInFile } from './rope.js';
import { count, flags, float, type Metadata } from './values.js';

/** @returns keys with the architecture's name in front */
export function hyperparameters(spec: DecoderSpec, { name, slides }: Architecture): Metadata {
  const [rope] = spec.ropes;
  const keys: Metadata = {
    ...sizes(spec),
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
    'attention.layer_norm_rms_epsilon': float(spec.normEps),
  };
}

/** Lorikeet ends where the short factors of `longrope` do; llama.cpp has the long ones too. */
function contextLength({ ropes, maxPositions }: DecoderSpec): number {
  const scaling = ropes[0]?.scaling;
  return scaling?.type === 'longrope' ? scaling.extendedLength : maxPositions;
}

/** The last of so many layers sees everything. */
const SLIDING_PERIODS: Readonly<Record<string, number>> = { gemma2: 2, gemma3_text: 6, olmo3: 4 };

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

const FAMILY_KEYS: Readonly<Record<string, (spec: DecoderSpec) => Metadata>> = {
  gemma2: ({ attentionSoftcap, logitSoftcap }) => ({
    attn_logit_softcapping: float(attentionSoftcap!),
    final_logit_softcapping: float(logitSoftcap!),
  }),
  gemma3_text: ({ logitSoftcap }) =>
    logitSoftcap === null ? {} : { final_logit_softcapping: float(logitSoftcap) },
  granite: ({ attentionScale, embeddingScale, residualScale, logitScale }) => ({
    'attention.scale': float(attentionScale),
    embedding_scale: float(embeddingScale),
    residual_scale: float(residualScale),
    logit_scale: float(1 / logitScale),
  }),
  phi3: (spec) => ({
    'attention.sliding_window': count(attentionLayers(spec)[0]?.window ?? 0),
    'rope.scaling.original_context_length': count(spec.maxPositions),
  }),
};
