/** Granite 3: Llama with a multiplier on embeddings, attention scores, sub-layer outputs and logits. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function granite(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'granite',
    maxPositions: 2048,
    biases: ['attention_bias', 'mlp_bias'],
  });
  return {
    ...spec,
    embeddingScale: fields.positive('embedding_multiplier', 1),
    attentionScale: fields.positive('attention_multiplier', 1),
    residualScale: fields.positive('residual_multiplier', 1),
    logitScale: 1 / fields.positive('logits_scaling', 1),
  };
}
