/** Qwen3 with experts in every layer; of layers among them that have an MLP no published model has any. */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { qwenLayers } from './qwen2.js';

export function qwen3Moe(fields: ConfigFields): DecoderSpec {
  fields.oneOf('decoder_sparse_step', [1]);
  const mlps = fields.raw('mlp_only_layers') ?? [];
  if (!Array.isArray(mlps) || mlps.length > 0) throw fields.wrong('mlp_only_layers', mlps, '[]');
  fields.raw('intermediate_size');
  const spec = llamaLike(fields, {
    family: 'qwen3_moe',
    vocabSize: 151_936,
    maxPositions: 32_768,
    keyValueHeads: 4,
    intermediateSize: fields.positiveInteger('moe_intermediate_size', 768),
    biases: ['attention_bias'],
  });
  return {
    ...spec,
    layers: qwenLayers(fields, spec.layers.length),
    qkNorm: 'head',
    experts: expertsFrom(fields, { count: 128, perToken: 8, auxLossCoef: 0.001 }),
  };
}
