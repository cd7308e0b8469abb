/**
 * Names of tensors: Hugging Face's → GGUF's, as `gguf-py/gguf/tensor_mapping.py` of llama.cpp pairs them. A
 * norm after attention has the same Hugging Face name in families that norm before the MLP by it (Llama) and
 * in those that norm the output of attention (Gemma, OLMo 2); GGUF tells them apart.
 */
import type { DecoderSpec } from '../model/spec.js';

const OUTSIDE: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

const IN_LAYER: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
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
export function ggufName(name: string, { normPlacement }: DecoderSpec): string {
  const [, module, kind] = /^(.*)\.(weight|bias)$/.exec(name)!;
  const inLayer = /^model\.layers\.(\d+)\.(.*)$/.exec(module!);
  if (inLayer === null) return `${OUTSIDE[module!]}.${kind}`;
  const [, layer, part] = inLayer;
  const afterAttention = normPlacement === 'pre' ? 'ffn_norm' : 'post_attention_norm';
  const found = part === 'post_attention_layernorm' ? afterAttention : IN_LAYER[part!];
  return `blk.${layer}.${found}.${kind}`;
}
