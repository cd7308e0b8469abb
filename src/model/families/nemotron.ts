/** Nemotron and Minitron: LayerNorms by 1 + weight, half of each head rotated, MLPs without a gate, down(relu²(up x)). */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function nemotron(fields: ConfigFields): DecoderSpec {
  fields.oneOf('hidden_act', ['relu2']);
  const spec = llamaLike(fields, {
    family: 'nemotron',
    vocabSize: 256_000,
    maxPositions: 4096,
    normEps: 1e-5,
    normEpsField: 'norm_eps',
    biases: ['attention_bias', 'mlp_bias'],
    activation: 'relu',
    rope: { partial: 0.5 },
  });
  fields.oneOf('kv_channels', [spec.headDim]);
  return { ...spec, centredNorms: true, normBias: true, normOffset: 1, mlpGate: 'itself' };
}
