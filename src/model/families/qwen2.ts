/** Qwen2 and Qwen2.5: Llama with biases on q, k and v. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { requireFullAttention } from './layer-types.js';
import { llamaLike } from './llama.js';

export function qwen2(fields: ConfigFields): DecoderSpec {
  fields.oneOf('use_mrope', [false]);
  const spec = llamaLike(fields, { family: 'qwen2', maxPositions: 32_768, keyValueHeads: 32 });
  requireFullAttention(fields, spec.layers.length);
  return { ...spec, bias: { q: true, k: true, v: true, o: false, mlp: false } };
}
