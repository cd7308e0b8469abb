/**
 * Qwen3.5 (text): three of four layers have a gated delta rule, the fourth attention whose result is gated. RMSNorm is
 * by 1 + weight, but for that of the delta rule. Further predictors (`mtp`) are left out, as in transformers.
 */
import type { DecoderSpec, GatedDeltaLayer, LayerSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { llamaLike } from './llama.js';

/** They concern the further predictors, and the type of other programs' states, which transformers keeps in float32. */
const WITHOUT_EFFECT = [
  ...['mtp_num_hidden_layers', 'mtp_use_dedicated_embeddings'],
  'mamba_ssm_dtype',
];

export function qwen35(fields: ConfigFields): DecoderSpec {
  for (const key of WITHOUT_EFFECT) fields.raw(key);
  fields.oneOf('attn_output_gate', [true]);
  fields.oneOf('hidden_act', ['silu', 'swish']);
  const moeLayers = fields.raw('mlp_only_layers') ?? [];
  if (!Array.isArray(moeLayers) || moeLayers.length > 0) {
    throw fields.wrong('mlp_only_layers', moeLayers, '[]');
  }
  const spec = llamaLike(fields, {
    family: 'qwen3_5_text',
    vocabSize: 248_320,
    heads: 16,
    keyValueHeads: 4,
    headDim: 256,
    maxPositions: 32_768,
    biases: ['attention_bias'],
    rope: { partial: 0.25, isSectioned: true },
  });
  return {
    ...spec,
    layers: layersOf(fields, spec.layers.length),
    normOffset: 1,
    qkNorm: 'head',
    attentionGate: true,
  };
}

/** `layer_types` comes before `full_attention_interval`. */
function layersOf(fields: ConfigFields, count: number): LayerSpec[] {
  const interval = fields.positiveInteger('full_attention_interval', 4);
  const types = fields.words('layer_types', count, ['linear_attention', 'full_attention']);
  const delta = deltaLayer(fields);
  return Array.from({ length: count }, (_, layer) => {
    const isFull =
      types === null ? (layer + 1) % interval === 0 : types[layer] === 'full_attention';
    return isFull ? attends(null) : delta;
  });
}

function deltaLayer(fields: ConfigFields): GatedDeltaLayer {
  const keyHeads = fields.positiveInteger('linear_num_key_heads', 16);
  const valueHeads = fields.positiveInteger('linear_num_value_heads', 32);
  if (valueHeads % keyHeads !== 0) {
    const expected = `a multiple of linear_num_key_heads (${keyHeads})`;
    throw fields.wrong('linear_num_value_heads', valueHeads, expected);
  }
  const taps = fields.positiveInteger('linear_conv_kernel_dim', 4);
  if (taps === 1) throw fields.wrong('linear_conv_kernel_dim', taps, 'at least 2');
  return {
    mixer: 'gated_delta',
    taps,
    keyHeads,
    valueHeads,
    keyDim: fields.positiveInteger('linear_key_head_dim', 128),
    valueDim: fields.positiveInteger('linear_value_head_dim', 128),
  };
}
