/** Qwen2 and Qwen2.5: Llama with biases on q, k and v. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function qwen2(fields: ConfigFields): DecoderSpec {
  fields.oneOf('use_sliding_window', [false]);
  fields.raw('sliding_window');
  fields.raw('layer_types');
  fields.raw('use_mrope');
  const bias = { q: true, k: true, v: true, o: false, mlp: false };
  return { ...llamaLike(fields, 'qwen2'), bias };
}
