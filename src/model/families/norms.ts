/** Where RMSNorm stands in a layer, in the arrangements that several families share. */
import type { LayerNorms } from '../spec.js';

/** Before each sub-layer (Llama). */
export const PRE_NORMS: LayerNorms = {
  beforeAttention: 'input_layernorm',
  afterAttention: null,
  beforeMlp: 'post_attention_layernorm',
  afterMlp: null,
};

/** After each sub-layer (OLMo 2). */
export const POST_NORMS: LayerNorms = {
  beforeAttention: null,
  afterAttention: 'post_attention_layernorm',
  beforeMlp: null,
  afterMlp: 'post_feedforward_layernorm',
};

/** Before and after each sub-layer (Gemma 2). */
export const SANDWICH_NORMS: LayerNorms = {
  beforeAttention: 'input_layernorm',
  afterAttention: 'post_attention_layernorm',
  beforeMlp: 'pre_feedforward_layernorm',
  afterMlp: 'post_feedforward_layernorm',
};
