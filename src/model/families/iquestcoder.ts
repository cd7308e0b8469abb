/** IQuest-Coder: Llama with heads of 128. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function iquestcoder(fields: ConfigFields): DecoderSpec {
  fields.oneOf('use_sliding_window', [false]);
  fields.raw('sliding_window');
  const spec = llamaLike(fields, {
    family: 'iquestcoder',
    maxPositions: 131_072,
    keyValueHeads: 8,
    headDim: 128,
    normEps: 1e-5,
    biases: ['attention_bias', 'mlp_bias'],
  });
  fields.words('layer_types', spec.layers.length, ['full_attention']);
  return spec;
}
