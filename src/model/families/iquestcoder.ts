/** IQuest-Coder: Llama with heads of 128. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { requireFullAttention } from './layer-types.js';
import { llamaLike } from './llama.js';

export function iquestcoder(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'iquestcoder',
    maxPositions: 131_072,
    keyValueHeads: 8,
    headDim: 128,
    normEps: 1e-5,
    biases: ['attention_bias', 'mlp_bias'],
  });
  requireFullAttention(fields, spec.layers.length);
  return spec;
}
