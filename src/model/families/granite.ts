/**
 * Granite 3: Llama with a multiplier on embeddings, attention scores, sub-layer outputs and logits.
 * HyperCLOVA X: the same with norms after each sub-layer too, and a logit multiplier where Granite divides.
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

/** @param attentionScale Where there is no `attention_multiplier`; absent: 1/√headDim. */
function graniteLike(fields: ConfigFields, family: string, attentionScale?: number): DecoderSpec {
  const spec = llamaLike(fields, {
    family,
    maxPositions: 2048,
    biases: ['attention_bias', 'mlp_bias'],
  });
  return {
    ...spec,
    embeddingScale: fields.positive('embedding_multiplier', 1),
    attentionScale: fields.positive('attention_multiplier', attentionScale ?? spec.attentionScale),
    residualScale: fields.positive('residual_multiplier', 1),
  };
}

export function granite(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, 'granite', 1);
  return { ...spec, logitScale: 1 / fields.positive('logits_scaling', 1) };
}

export function hyperclovax(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, 'hyperclovax');
  const after = fields.boolean('use_post_norm', true)
    ? { afterAttention: 'post_norm1', afterMlp: 'post_norm2' }
    : {};
  return {
    ...spec,
    norms: { ...spec.norms, ...after },
    logitScale: fields.positive('logits_scaling', 1),
  };
}
