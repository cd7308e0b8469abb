/** InternLM 3: Llama with biases everywhere or nowhere. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function internlm3(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'internlm3',
    maxPositions: 32_768,
    keyValueHeads: 2,
    headDim: 128,
    normEps: 1e-5,
    biases: ['attention_bias', 'mlp_bias'],
  });
  const qkv = switched(fields, 'qkv_bias', 'attention_bias');
  const others = switched(fields, 'bias', 'mlp_bias');
  if (qkv !== others) throw fields.wrong('bias', others, `${qkv}, as qkv_bias is`);
  return { ...spec, bias: { q: qkv, k: qkv, v: qkv, o: qkv, mlp: qkv } };
}

/** A switch by its name in releases or in files that transformers saves. */
function switched(fields: ConfigFields, released: string, saved: string): boolean {
  const value = fields.boolean(released, fields.boolean(saved, false));
  fields.oneOf(saved, [value]);
  return value;
}
