/**
 * Phi 1, 1.5 and 2: attention and MLP side by side, of one LayerNorm; biases everywhere, also in the output head; MLPs
 * without a gate; part of each head is rotated.
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { PRE_NORMS } from './norms.js';

export function phi(fields: ConfigFields): DecoderSpec {
  fields.oneOf('qk_layernorm', [false]);
  fields.oneOf('tie_word_embeddings', [false]);
  const spec = llamaLike(fields, {
    family: 'phi',
    vocabSize: 51_200,
    maxPositions: 2048,
    normEps: 1e-5,
    normEpsField: 'layer_norm_eps',
    activation: ['hidden_act', 'gelu_new'],
    rope: { partial: 0.5 },
  });
  return {
    ...spec,
    centredNorms: true,
    normBias: true,
    norms: { ...PRE_NORMS, beforeMlp: PRE_NORMS.beforeAttention },
    parallelMlp: true,
    names: {
      ...spec.names,
      attentionOutput: 'dense',
      up: 'fc1',
      down: 'fc2',
      finalNorm: 'model.final_layernorm',
    },
    bias: { q: true, k: true, v: true, o: true, mlp: true },
    mlpGate: 'none',
    headBias: true,
  };
}
