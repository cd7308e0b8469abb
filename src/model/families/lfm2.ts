/**
 * LFM2 and LFM2.5: gated short convolutions, and attention with norms on queries and keys in some layers. Releases
 * repeat sizes under other names, which must agree here, though transformers reads only one of each.
 */
import type { DecoderSpec, LayerSpec, ModuleNames, ShortConvLayer } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { llamaLike } from './llama.js';
import { LLAMA_NAMES } from './names.js';

const NAMES: ModuleNames = {
  ...LLAMA_NAMES,
  attentionOutput: 'out_proj',
  queryNorm: 'q_layernorm',
  keyNorm: 'k_layernorm',
  mlp: 'feed_forward',
  gate: 'w1',
  up: 'w3',
  down: 'w2',
  finalNorm: 'model.embedding_norm',
};

/** They concern initial values only. */
const INITIAL = [
  'block_mlp_init_scale',
  'block_out_init_scale',
  'block_use_xavier_init',
  'conv_use_xavier_init',
];

export function lfm2(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'lfm2',
    vocabSize: 65_536,
    keyValueHeads: 8,
    maxPositions: 128_000,
    theta: 1_000_000,
    intermediateSize: mlpWidth(fields),
    normEps: 1e-5,
    normEpsField: 'norm_eps',
    tied: true,
  });
  for (const key of ['block_dim', 'conv_dim', 'conv_dim_out']) fields.oneOf(key, [spec.hiddenSize]);
  for (const key of ['use_pos_enc', 'block_use_swiglu']) fields.oneOf(key, [true]);
  for (const key of INITIAL) fields.raw(key);
  fields.oneOf('num_heads', [spec.numHeads]);
  fields.oneOf('theta', [spec.ropes[0]!.theta]);
  fields.oneOf('block_norm_eps', [spec.normEps]);
  return {
    ...spec,
    layers: layersOf(fields, spec.layers.length),
    norms: {
      beforeAttention: 'operator_norm',
      afterAttention: null,
      beforeMlp: 'ffn_norm',
      afterMlp: null,
    },
    names: NAMES,
    qkNorm: 'head',
    tieWordEmbeddings: fields.boolean('tie_embedding', spec.tieWordEmbeddings),
  };
}

/** Two thirds of what the config says, rounded up, unless `block_auto_adjust_ff_dim` is false. */
function mlpWidth(fields: ConfigFields): number {
  const said = fields.positiveInteger('intermediate_size', 12_288);
  const width = fields.positiveInteger('block_ff_dim', said);
  const multiple = fields.positiveInteger('block_multiple_of', 256);
  const multiplier = fields.positive('block_ffn_dim_multiplier', 1);
  if (!fields.boolean('block_auto_adjust_ff_dim', true)) return width;
  return multiple * Math.ceil(Math.trunc(multiplier * Math.trunc((2 * width) / 3)) / multiple);
}

/** `layer_types` comes before `full_attn_idxs`; without either every layer has attention. */
function layersOf(fields: ConfigFields, count: number): LayerSpec[] {
  const taps = fields.positiveInteger('conv_L_cache', 3);
  if (taps === 1) throw fields.wrong('conv_L_cache', taps, 'at least 2');
  const convolves: ShortConvLayer = {
    mixer: 'short_conv',
    taps,
    bias: fields.boolean('conv_bias', false),
  };
  const listed = attentionIndices(fields, count);
  const types = fields.words('layer_types', count, ['full_attention', 'conv']);
  return Array.from({ length: count }, (_, layer) => {
    const isFull = types === null ? (listed?.has(layer) ?? true) : types[layer] !== 'conv';
    return isFull ? attends(null) : convolves;
  });
}

function attentionIndices(fields: ConfigFields, count: number): ReadonlySet<number> | null {
  const value = fields.raw('full_attn_idxs');
  if (value === undefined) return null;
  const isIndex = (item: unknown) => Number.isInteger(item) && Number(item) >= 0;
  if (Array.isArray(value) && value.every((item) => isIndex(item) && item < count)) {
    return new Set(value as number[]);
  }
  throw fields.wrong('full_attn_idxs', value, `a list of layers from 0 to ${count - 1}`);
}
