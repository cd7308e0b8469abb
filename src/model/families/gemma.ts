/**
 * Gemma 2 and 3 (text): a norm before and after each sub-layer, RMSNorm by 1 + weight, embeddings scaled
 * by √hidden, layers that see a window only between layers that see everything.
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { slidingLayers } from './layer-types.js';
import { type FamilyTraits, llamaLike } from './llama.js';
import { type RopeContext, ropeSpec } from './rope.js';

function gemmaLike(fields: ConfigFields, traits: FamilyTraits): DecoderSpec {
  fields.oneOf('use_bidirectional_attention', [false]);
  const spec = llamaLike(fields, {
    keyValueHeads: 4,
    headDim: 256,
    tied: true,
    biases: ['attention_bias'],
    activation: ['hidden_activation', 'gelu_pytorch_tanh'],
    ...traits,
  });
  fields.oneOf('hidden_act', [fields.text('hidden_activation', 'gelu_pytorch_tanh')]);
  return {
    ...spec,
    normOffset: 1,
    normPlacement: 'both',
    embeddingScale: Math.sqrt(spec.hiddenSize),
    attentionScale: fields.positive('query_pre_attn_scalar', 256) ** -0.5,
  };
}

/** Every other layer slides, the first one too; scores and logits are soft-capped. */
export function gemma2(fields: ConfigFields): DecoderSpec {
  const spec = gemmaLike(fields, { family: 'gemma2', maxPositions: 8192 });
  const window = fields.positiveInteger('sliding_window', 4096);
  fields.oneOf('sliding_window_size', [window]);
  const sliding = slidingLayers(fields, spec.layers.length, (layer) => layer % 2 === 0);
  return {
    ...spec,
    layers: sliding.map((slides) => ({ rope: 0, window: slides ? window : null })),
    attentionSoftcap: fields.positiveOrNull('attn_logit_softcapping', 50),
    logitSoftcap: fields.positiveOrNull('final_logit_softcapping', 30),
  };
}

/**
 * Five of six layers slide, with a rope of their own; queries and keys are normed per head. transformers
 * does not apply `attn_logit_softcapping` here, so only null is taken.
 */
export function gemma3Text(fields: ConfigFields): DecoderSpec {
  const ropes = (context: RopeContext) => gemma3Ropes(fields, context);
  const spec = gemmaLike(fields, { family: 'gemma3_text', maxPositions: 131_072, ropes });
  const window = fields.positiveInteger('sliding_window', 4096);
  const period = fields.positiveInteger('sliding_window_pattern', 6);
  fields.raw('_sliding_window_pattern');
  const sliding = slidingLayers(fields, spec.layers.length, (layer) => (layer + 1) % period !== 0);
  return {
    ...spec,
    qkNorm: 'head',
    layers: sliding.map((slides) => (slides ? { rope: 1, window } : { rope: 0, window: null })),
    logitSoftcap: fields.positiveOrNull('final_logit_softcapping', null),
  };
}

/** First the rope of the layers that see everything, then that of the sliding ones. */
function gemma3Ropes(fields: ConfigFields, context: RopeContext) {
  const [older, newer] = [fields.nested('rope_scaling'), fields.nested('rope_parameters')];
  const globalTheta = fields.positive('rope_theta', 1_000_000);
  const localTheta = fields.positive('rope_local_base_freq', 10_000);
  const full = older ?? newer?.nested('full_attention') ?? fields.none();
  const local = newer?.nested('sliding_attention') ?? fields.none();
  return [
    ropeSpec(full, { ...context, theta: globalTheta }),
    ropeSpec(local, { ...context, theta: localTheta }),
  ];
}
