/** `lorikeet init-model`: a random checkpoint in Hugging Face layout, with a tokenizer. */
import { z } from 'zod';
import {
  inputPath,
  nonNegative,
  optionalInput,
  optionalText,
  optionalWhole,
  orNull,
  otherPath,
  positive,
  text,
  whole,
} from './fields.js';
import { overwriteKey, seedKey } from './groups.js';
import { issueAt } from './issue-at.js';

/** Decoder families, by their names in `config.json`. */
export const MODEL_TYPES = [
  'llama',
  'mistral',
  'ministral',
  'ministral3',
  'qwen2',
  'qwen3',
  'gemma',
  'gemma2',
  'gemma3_text',
  'vaultgemma',
  'phi3',
  'smollm3',
  'olmo2',
  'olmo3',
  'granite',
  'hyperclovax',
  'exaone4',
  'seed_oss',
  'cohere',
  'cohere2',
  'starcoder2',
  'stablelm',
  'nemotron',
  'phi',
  'arcee',
  'hunyuan_v1_dense',
  'cwm',
  'internlm3',
  'iquestcoder',
  'lfm2',
  'glm',
  'glm4',
  'ernie4_5',
  'qwen3_moe',
  'olmoe',
  'flex_olmo',
  'granitemoe',
  'granitemoehybrid',
  'gpt_oss',
  'mixtral',
  'qwen3_5_text',
] as const;

/** Names of `config.json`. */
const architectureSchema = z
  .strictObject({
    model_type: z.enum(MODEL_TYPES).default('llama').describe('Decoder family'),
    hidden_size: whole(1).default(64).describe('Width of the residual stream'),
    intermediate_size: whole(1).default(192).describe('Width inside the MLP'),
    num_hidden_layers: whole(1).default(2).describe('Layers'),
    num_attention_heads: whole(1).default(4).describe('Query heads'),
    num_key_value_heads: optionalWhole(1, 'Key and value heads; null is num_attention_heads'),
    head_dim: optionalWhole(2, 'Width of a head; null is hidden_size / num_attention_heads'),
    max_position_embeddings: whole(1).default(1024).describe('Longest context, tokens'),
    rope_theta: positive().default(10_000).describe('Base of the rotary frequencies'),
    rms_norm_eps: positive().default(1e-5).describe('Epsilon of RMSNorm'),
    tie_word_embeddings: orNull(
      z.boolean(),
      'Output head shares the embeddings; null is true, for phi false',
    ),
    initializer_range: nonNegative().default(0.02).describe('Standard deviation of the matrices'),
    config: z
      .record(text(), z.json())
      .default({})
      .describe('Further fields of config.json (rope_scaling, sliding_window, …), as they are'),
  })
  .superRefine((config, context) => {
    const { hidden_size: hidden, num_attention_heads: heads } = config;
    const keyHeads = config.num_key_value_heads ?? heads;
    const issue = issueAt(context);
    if (config.head_dim === null && hidden % heads !== 0) {
      issue(
        'hidden_size',
        `${hidden} cannot be divided by num_attention_heads ${heads}. Set head_dim`,
      );
    }
    if (config.model_type === 'phi' && config.tie_word_embeddings === true) {
      issue('tie_word_embeddings', 'true, but the output head of phi is its own. Leave it out');
    }
    if (heads % keyHeads !== 0) {
      issue('num_key_value_heads', `${keyHeads} does not divide num_attention_heads ${heads}`);
    }
  })
  .prefault({});

const tokenizerSchema = z
  .strictObject({
    type: z.enum(['byte']).default('byte').describe('Our own byte-level BPE tokenizer'),
    path: optionalInput('Folder with tokenizer files to copy, in place of making one'),
    vocab_size: whole(256).default(512).describe('Ids of the tokenizer that is made'),
    corpus: z
      .array(inputPath())
      .default([])
      .describe('Text or JSONL files that merges are learnt from'),
    added_tokens: z.array(text()).default([]).describe('Texts that become one id each'),
    chat_template: optionalText('Jinja chat template; null is the built-in one'),
  })
  .prefault({});

export const initModelSchema = z.strictObject({
  output: otherPath().describe('Folder of the checkpoint'),
  ...overwriteKey,
  architecture: architectureSchema,
  tokenizer: tokenizerSchema,
  dtype: z
    .enum(['float32', 'float16', 'bfloat16'])
    .default('float32')
    .describe('Type of the weights'),
  ...seedKey,
});

export type InitModelConfig = z.output<typeof initModelSchema>;
