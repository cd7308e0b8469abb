/** Seed-OSS: Llama with biases on q, k and v, and a switch of its own for the one on attention's output. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function seedOss(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'seed_oss',
    maxPositions: 524_288,
    keyValueHeads: 8,
    headDim: 128,
    biases: ['attention_bias', 'mlp_bias'],
  });
  fields.raw('residual_dropout');
  const qkv = fields.boolean('attention_bias', true);
  const o = fields.boolean('attention_out_bias', false);
  return { ...spec, bias: { q: qkv, k: qkv, v: qkv, o, mlp: spec.bias.mlp } };
}
