/**
 * Cohere (Command R, Aya): attention and MLP side by side, of one LayerNorm without bias; neighbouring dimensions are
 * rotated together. Cohere 2 (Command R7B, Command A): three of four layers see a window only, the fourth everything,
 * without positions (NoPE).
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { llamaLike } from './llama.js';
import { PRE_NORMS } from './norms.js';

/** Switches of releases that transformers does not read. */
const ON = ['use_parallel_block', 'use_gated_activation', 'use_embedding_sharing'] as const;

function cohereLike(fields: ConfigFields, family: string): DecoderSpec {
  for (const key of ON) fields.oneOf(key, [true]);
  fields.oneOf('position_embedding_type', ['rope_gptj']);
  fields.oneOf('rotary_pct', [1]);
  fields.raw('use_parallel_embedding');
  const spec = llamaLike(fields, {
    family,
    vocabSize: 256_000,
    maxPositions: 8192,
    normEps: 1e-5,
    normEpsField: 'layer_norm_eps',
    tied: true,
    biases: ['attention_bias'],
    rope: { rotatesNeighbours: true },
  });
  fields.oneOf('head_dim', [spec.hiddenSize / spec.numHeads]);
  return {
    ...spec,
    centredNorms: true,
    norms: { ...PRE_NORMS, beforeMlp: PRE_NORMS.beforeAttention },
    parallelMlp: true,
    logitScale: fields.positive('logit_scale', 0.0625),
  };
}

export function cohere(fields: ConfigFields): DecoderSpec {
  fields.oneOf('use_qk_norm', [false]);
  return cohereLike(fields, 'cohere');
}

export function cohere2(fields: ConfigFields): DecoderSpec {
  const spec = cohereLike(fields, 'cohere2');
  const period = fields.positiveInteger('sliding_window_pattern', 4);
  fields.raw('layer_switch');
  fields.oneOf('order_of_interleaved_layers', ['local_attn_first']);
  const windows = layerWindows(fields, spec.layers.length, {
    window: 4096,
    slides: (layer) => (layer + 1) % period !== 0,
  });
  return { ...spec, layers: windows.map((window) => attends(window, window === null ? null : 0)) };
}
