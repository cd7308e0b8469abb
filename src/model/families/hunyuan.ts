/** Hunyuan (dense): Llama with norms on each head of queries and keys, after their rotation. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { ropeFromConfig } from './rope.js';

/** Tokens of other models, and heads that classify. */
const WITHOUT_EFFECT = [
  ...['add_classification_head', 'class_num', 'dense_list', 'pool_type'],
  ...['eod_token_id', 'im_end_id', 'im_newline_id', 'im_start_id', 'mask_init_id', 'pad_id'],
  ...['sep_token_id', 'text_end_id', 'text_start_id', 'org_vocab_size', 'cla_share_factor'],
];

export function hunyuanDense(fields: ConfigFields): DecoderSpec {
  for (const key of WITHOUT_EFFECT) fields.raw(key);
  for (const key of ['use_qk_norm', 'use_rotary_pos_emb']) fields.oneOf(key, [true]);
  fields.oneOf('use_cla', [false]);
  fields.oneOf('norm_type', ['rms']);
  const spec = llamaLike(fields, {
    family: 'hunyuan_v1_dense',
    vocabSize: 290_943,
    maxPositions: 2048,
    normEps: 1e-5,
    biases: ['attention_bias'],
    ropes: (context) => [ropeFromConfig(fields, context, { dynamic: 'ntk_alpha' })],
  });
  fields.oneOf('attention_head_dim', [spec.headDim]);
  return {
    ...spec,
    names: { ...spec.names, queryNorm: 'query_layernorm', keyNorm: 'key_layernorm' },
    qkNorm: 'head',
    qkNormLast: true,
  };
}
