/** StarCoder2: LayerNorms, biases everywhere, and MLPs without a gate; every layer sees a window only. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { llamaLike } from './llama.js';

/** Dropout, and names of older releases that transformers does not read. */
const WITHOUT_EFFECT = [
  ...['embedding_dropout', 'residual_dropout', 'activation_function', 'layer_norm_epsilon'],
  ...['attention_softmax_in_fp32', 'scale_attention_softmax_in_fp32', 'scale_attn_weights'],
];

export function starcoder2(fields: ConfigFields): DecoderSpec {
  for (const key of WITHOUT_EFFECT) fields.raw(key);
  fields.oneOf('mlp_type', ['default']);
  fields.oneOf('norm_type', ['layer_norm']);
  const spec = llamaLike(fields, {
    family: 'starcoder2',
    vocabSize: 49_152,
    maxPositions: 4096,
    keyValueHeads: 2,
    normEps: 1e-5,
    normEpsField: 'norm_epsilon',
    tied: true,
    activation: ['hidden_act', 'gelu_pytorch_tanh'],
  });
  const window = fields.positiveIntegerOrNull('sliding_window', null);
  const bias = fields.boolean('use_bias', true);
  return {
    ...spec,
    layers: spec.layers.map(() => attends(window)),
    centredNorms: true,
    normBias: true,
    names: { ...spec.names, up: 'c_fc', down: 'c_proj' },
    bias: { q: bias, k: bias, v: bias, o: bias, mlp: bias },
    mlpGate: 'none',
  };
}
