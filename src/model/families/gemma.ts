/**
 * Gemma 1 to 3 (text) and VaultGemma: RMSNorm by 1 + weight, embeddings scaled by √hidden; from Gemma 2 on
 * layers that see a window only between layers that see everything.
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { type FamilyTraits, llamaLike } from './llama.js';
import { SANDWICH_NORMS } from './norms.js';
import { type RopeContext, ropesByLayerType } from './rope.js';

const GELU = 'gelu_pytorch_tanh';

function gemmaLike(fields: ConfigFields, traits: FamilyTraits): DecoderSpec {
  fields.oneOf('use_bidirectional_attention', [false]);
  const spec = llamaLike(fields, {
    headDim: 256,
    tied: true,
    biases: ['attention_bias'],
    ...traits,
  });
  return { ...spec, normOffset: 1, embeddingScale: Math.sqrt(spec.hiddenSize) };
}

/** Norms before each sub-layer. Its releases say "gelu" for what is the tanh approximation. */
export function gemma(fields: ConfigFields): DecoderSpec {
  fields.oneOf('hidden_act', [GELU, 'gelu']);
  fields.oneOf('hidden_activation', [GELU]);
  return gemmaLike(fields, {
    family: 'gemma',
    maxPositions: 8192,
    keyValueHeads: 16,
    activation: ['hidden_activation', GELU],
  });
}

/** From Gemma 2 on the activation and the softmax scale have fields of their own. */
function laterGemma(fields: ConfigFields, traits: FamilyTraits): DecoderSpec {
  const activation = ['hidden_activation', GELU] as const;
  const spec = gemmaLike(fields, { keyValueHeads: 4, activation, ...traits });
  fields.oneOf('hidden_act', [fields.text(...activation)]);
  const attentionScale = fields.positive('query_pre_attn_scalar', 256) ** -0.5;
  return { ...spec, norms: SANDWICH_NORMS, attentionScale };
}

/** Every other layer slides, the first one too; scores and logits are soft-capped. */
function softCapped(fields: ConfigFields, family: string): DecoderSpec {
  const spec = laterGemma(fields, { family, maxPositions: 8192 });
  const windows = layerWindows(fields, spec.layers.length, {
    window: 4096,
    slides: (layer) => layer % 2 === 0,
  });
  return {
    ...spec,
    layers: windows.map((window) => attends(window)),
    attentionSoftcap: fields.positiveOrNull('attn_logit_softcapping', 50),
    logitSoftcap: fields.positiveOrNull('final_logit_softcapping', 30),
  };
}

export function gemma2(fields: ConfigFields): DecoderSpec {
  fields.oneOf('sliding_window_size', [fields.positiveInteger('sliding_window', 4096)]);
  return softCapped(fields, 'gemma2');
}

/** Gemma 2 without the norms after the sub-layers. */
export function vaultGemma(fields: ConfigFields): DecoderSpec {
  const norms = { ...SANDWICH_NORMS, afterAttention: null, afterMlp: null };
  return { ...softCapped(fields, 'vaultgemma'), norms };
}

/**
 * Five of six layers slide, with a rope of their own; queries and keys are normed per head. transformers
 * does not apply `attn_logit_softcapping` here, so only null is taken.
 */
export function gemma3Text(fields: ConfigFields): DecoderSpec {
  const ropes = (context: RopeContext) => {
    const full = fields.positive('rope_theta', 1_000_000);
    const sliding = fields.positive('rope_local_base_freq', 10_000);
    return ropesByLayerType(fields, context, { full, sliding });
  };
  const spec = laterGemma(fields, {
    family: 'gemma3_text',
    vocabSize: 262_208,
    heads: 8,
    maxPositions: 131_072,
    ropes,
  });
  const period = fields.positiveInteger('sliding_window_pattern', 6);
  fields.raw('_sliding_window_pattern');
  const windows = layerWindows(fields, spec.layers.length, {
    window: 4096,
    slides: (layer) => (layer + 1) % period !== 0,
  });
  return {
    ...spec,
    qkNorm: 'head',
    layers: windows.map((window) => attends(window, window === null ? 0 : 1)),
    logitSoftcap: fields.positiveOrNull('final_logit_softcapping', null),
  };
}
