/**
 * Granite 3: Llama with a multiplier on embeddings, attention scores, sub-layer outputs and logits.
 * GraniteMoE: the same with experts, of which a token takes the best by logits and then a softmax over them.
 * HyperCLOVA X: the same with norms after each sub-layer too, and a logit multiplier where Granite divides.
 */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { type FamilyTraits, llamaLike } from './llama.js';

/** @param attentionScale Where there is no `attention_multiplier`; absent: 1/√headDim. */
function graniteLike(
  fields: ConfigFields,
  traits: Pick<FamilyTraits, 'family'> & Partial<FamilyTraits>,
  attentionScale?: number,
): DecoderSpec {
  const spec = llamaLike(fields, {
    maxPositions: 2048,
    biases: ['attention_bias', 'mlp_bias'],
    ...traits,
  });
  return {
    ...spec,
    embeddingScale: fields.positive('embedding_multiplier', 1),
    attentionScale: fields.positive('attention_multiplier', attentionScale ?? spec.attentionScale),
    residualScale: fields.positive('residual_multiplier', 1),
  };
}

export function granite(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, { family: 'granite' }, 1);
  return { ...spec, logitScale: 1 / fields.positive('logits_scaling', 1) };
}

export function graniteMoe(fields: ConfigFields): DecoderSpec {
  const traits = { family: 'granitemoe', vocabSize: 32_000, biases: ['attention_bias'] } as const;
  const spec = graniteLike(fields, traits, 1);
  const experts = {
    ...{ count: 8, perToken: 2, normalized: true, auxLossCoef: 0.001 },
    ...{ stacked: true, module: 'block_sparse_moe.experts' },
  };
  return {
    ...spec,
    names: { ...spec.names, mlp: 'block_sparse_moe', router: 'router.layer' },
    experts: expertsFrom(fields, experts),
    logitScale: 1 / fields.positive('logits_scaling', 1),
  };
}

export function hyperclovax(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, { family: 'hyperclovax' });
  const after = fields.boolean('use_post_norm', true)
    ? { afterAttention: 'post_norm1', afterMlp: 'post_norm2' }
    : {};
  return {
    ...spec,
    norms: { ...spec.norms, ...after },
    logitScale: fields.positive('logits_scaling', 1),
  };
}
