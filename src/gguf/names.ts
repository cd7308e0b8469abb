/** Names of tensors: Hugging Face's → GGUF's, as `gguf-py/gguf/tensor_mapping.py` of llama.cpp pairs them. */
import type { DecoderSpec, LayerNorms } from '../model/spec.js';

const OUTSIDE: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

const NORMS: Readonly<Record<keyof LayerNorms, string>> = {
  beforeAttention: 'attn_norm',
  afterAttention: 'post_attention_norm',
  beforeMlp: 'ffn_norm',
  afterMlp: 'post_ffw_norm',
};

const IN_LAYER: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.qkv_proj': 'attn_qkv',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** @param name Of a parameter of `spec`, with `.weight` or `.bias`. */
export function ggufName(name: string, { norms }: DecoderSpec): string {
  const [, module, kind] = /^(.*)\.(weight|bias)$/.exec(name)!;
  const inLayer = /^model\.layers\.(\d+)\.(.*)$/.exec(module!);
  if (inLayer === null) return `${OUTSIDE[module!]}.${kind}`;
  const [, layer, part] = inLayer;
  const place = (Object.keys(NORMS) as (keyof LayerNorms)[]).find((key) => norms[key] === part);
  return `blk.${layer}.${place === undefined ? IN_LAYER[part!] : NORMS[place]}.${kind}`;
}
