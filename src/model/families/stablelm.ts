/** StableLM 2 and 3B: LayerNorms, a quarter of each head rotated; MLPs may stand beside attention, of its norm. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { PRE_NORMS } from './norms.js';

export function stablelm(fields: ConfigFields): DecoderSpec {
  fields.raw('hidden_dropout');
  fields.oneOf('qk_layernorm', [false]);
  const spec = llamaLike(fields, {
    family: 'stablelm',
    vocabSize: 50_304,
    maxPositions: 4096,
    keyValueHeads: 32,
    normEps: 1e-5,
    normEpsField: 'layer_norm_eps',
    rope: { partial: 0.25 },
  });
  fields.oneOf('head_dim', [spec.hiddenSize / spec.numHeads]);
  const parallelMlp = fields.boolean('use_parallel_residual', false);
  const qkv = fields.boolean('use_qkv_bias', false);
  return {
    ...spec,
    centredNorms: true,
    normBias: true,
    norms: parallelMlp ? { ...PRE_NORMS, beforeMlp: PRE_NORMS.beforeAttention } : PRE_NORMS,
    parallelMlp,
    bias: { q: qkv, k: qkv, v: qkv, o: false, mlp: false },
  };
}
