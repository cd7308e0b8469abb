/**
 * Names of tensors: Hugging Face's → GGUF's, as `gguf-py/gguf/tensor_mapping.py` of llama.cpp pairs them. The matrices of
 * a layer's experts have one name, that of the tensor they make together.
 */
import type { DecoderSpec, LayerNorms } from '../model/spec.js';
import { moduleOf } from '../weights/index.js';

const OUTSIDE: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  'model.final_layernorm': 'output_norm',
  'model.embedding_norm': 'token_embd_norm',
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
  'self_attn.query_layernorm': 'attn_q_norm',
  'self_attn.key_layernorm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  // Granite 4
  'shared_mlp.input_linear': 'ffn_up',
  'shared_mlp.output_linear': 'ffn_down',
  // StarCoder2
  'mlp.c_fc': 'ffn_up',
  'mlp.c_proj': 'ffn_down',
  // Phi
  'self_attn.dense': 'attn_output',
  'mlp.fc1': 'ffn_up',
  'mlp.fc2': 'ffn_down',
  // Experts
  'mlp.gate': 'ffn_gate_inp',
  'block_sparse_moe.gate': 'ffn_gate_inp',
  'block_sparse_moe.router.layer': 'ffn_gate_inp',
  // LFM2
  'self_attn.out_proj': 'attn_output',
  'self_attn.q_layernorm': 'attn_q_norm',
  'self_attn.k_layernorm': 'attn_k_norm',
  'feed_forward.w1': 'ffn_gate',
  'feed_forward.w3': 'ffn_up',
  'feed_forward.w2': 'ffn_down',
  'conv.in_proj': 'shortconv.in_proj',
  'conv.conv': 'shortconv.conv',
  'conv.out_proj': 'shortconv.out_proj',
  // Qwen 3.5
  'linear_attn.in_proj_qkv': 'attn_qkv',
  'linear_attn.in_proj_z': 'attn_gate',
  'linear_attn.in_proj_b': 'ssm_beta',
  'linear_attn.in_proj_a': 'ssm_alpha',
  'linear_attn.conv1d': 'ssm_conv1d',
  'linear_attn.norm': 'ssm_norm',
  'linear_attn.out_proj': 'ssm_out',
};

/** Of an MLP, which may be an expert. */
const MATRICES = ['gate', 'up', 'down'] as const;

/** Parameters that no module has as its weight or bias. */
const APART: Readonly<Record<string, string>> = {
  'linear_attn.A_log': 'ssm_a',
  'linear_attn.dt_bias': 'ssm_dt.bias',
};

/** The name in the file of what experts' matrices make together. */
export const isStack = (name: string): boolean => name.endsWith('_exps.weight');

/** @param name Of a parameter of `spec`. */
export function ggufName(name: string, spec: DecoderSpec): string {
  const inLayer = /^model\.layers\.(\d+)\.(.*)$/.exec(name);
  if (inLayer === null) return `${OUTSIDE[moduleOf(name)]}.${kindOf(name)}`;
  const [, layer, part] = inLayer;
  return `blk.${layer}.${APART[part!] ?? `${moduleName(moduleOf(part!), spec)}.${kindOf(part!)}`}`;
}

const kindOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function moduleName(part: string, { norms, names, family }: DecoderSpec): string {
  const expert = /\.experts\.\d+\.(\w+)$/.exec(part);
  if (expert !== null) return `ffn_${MATRICES.find((kind) => names[kind] === expert[1])}_exps`;
  const place = (Object.keys(NORMS) as (keyof LayerNorms)[]).find((key) => norms[key] === part);
  if (place === 'beforeMlp' && family === 'qwen3_5_text') return NORMS.afterAttention;
  return place === undefined ? IN_LAYER[part]! : NORMS[place];
}
