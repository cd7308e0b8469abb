/** Llama 2 and 3.x, and checkpoints that call themselves so (SmolLM2). */
import type { DecoderSpec, LayerSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { ropeFromConfig } from './rope.js';

/** What the Llama-like families have in common; a family overrides what differs. */
export function llamaLike(fields: ConfigFields, family: string): DecoderSpec {
  const hiddenSize = fields.positiveInteger('hidden_size');
  const numHeads = fields.positiveInteger('num_attention_heads');
  const headDim = fields.positiveInteger('head_dim', hiddenSize / numHeads);
  const maxPositions = fields.positiveInteger('max_position_embeddings', 2048);
  const numLayers = fields.positiveInteger('num_hidden_layers');
  fields.oneOf('hidden_act', ['silu']);
  const layers: LayerSpec[] = Array.from({ length: numLayers }, () => ({ rope: 0, window: null }));
  return {
    family,
    vocabSize: fields.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: fields.positiveInteger('intermediate_size'),
    numHeads,
    numKvHeads: fields.positiveInteger('num_key_value_heads', numHeads),
    headDim,
    maxPositions,
    layers,
    ropes: [ropeFromConfig(fields, { headDim, maxPositions })],
    normEps: fields.number('rms_norm_eps', 1e-6),
    normOffset: 0,
    normPlacement: 'pre',
    qkNorm: 'none',
    activation: 'silu',
    bias: { q: false, k: false, v: false, o: false, mlp: false },
    fusedProjections: false,
    attentionScale: headDim ** -0.5,
    attentionSoftcap: null,
    logitSoftcap: null,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    tieWordEmbeddings: fields.boolean('tie_word_embeddings', false),
  };
}

export function llama(fields: ConfigFields): DecoderSpec {
  const bias = fields.boolean('attention_bias', false);
  const mlp = fields.boolean('mlp_bias', false);
  return { ...llamaLike(fields, 'llama'), bias: { q: bias, k: bias, v: bias, o: bias, mlp } };
}
