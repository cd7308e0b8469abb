/**
 * GLM-4: Llama in which half of each head is rotated, neighbouring dimensions together, with gate and up stored as one
 * matrix. GLM-4-0414 (`glm4`): the same with norms after each sub-layer too.
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

function glmLike(fields: ConfigFields, family: string): DecoderSpec {
  const spec = llamaLike(fields, {
    family,
    vocabSize: 151_552,
    maxPositions: 131_072,
    keyValueHeads: 2,
    headDim: 128,
    normEps: 1.5625e-7,
    biases: ['attention_bias'],
    rope: { partial: 0.5, rotatesNeighbours: true },
  });
  const qkv = fields.boolean('attention_bias', true);
  return {
    ...spec,
    bias: { ...spec.bias, q: qkv, k: qkv, v: qkv, o: false },
    fusedProjections: { qkv: false, gateUp: true },
  };
}

export const glm = (fields: ConfigFields): DecoderSpec => glmLike(fields, 'glm');

export function glm4(fields: ConfigFields): DecoderSpec {
  const spec = glmLike(fields, 'glm4');
  return {
    ...spec,
    norms: {
      ...spec.norms,
      afterAttention: 'post_self_attn_layernorm',
      afterMlp: 'post_mlp_layernorm',
    },
  };
}
