/** Qwen3: Llama with RMSNorm on each head of queries and keys. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { qwenLayers } from './qwen2.js';

export function qwen3(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'qwen3',
    maxPositions: 32_768,
    keyValueHeads: 32,
    headDim: 128,
    biases: ['attention_bias'],
  });
  return { ...spec, layers: qwenLayers(fields, spec.layers.length), qkNorm: 'head' };
}
