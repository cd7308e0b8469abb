/** Qwen3: Llama with RMSNorm on each head of queries and keys. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { requireFullAttention } from './layer-types.js';
import { llamaLike } from './llama.js';

export function qwen3(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'qwen3',
    maxPositions: 32_768,
    keyValueHeads: 32,
    headDim: 128,
    biases: ['attention_bias'],
  });
  requireFullAttention(fields, spec.layers.length);
  return { ...spec, qkNorm: 'head' };
}
