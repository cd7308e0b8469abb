import { expect, test } from 'vitest';
import { specFromConfig, trainingFlops } from '../../../src/model/index.js';

/** One layer: q and o 8 × 8, k and v 4 × 8, gate, up and down 8 × 16: 64 + 32 + 32 + 64 + 3 · 128 = 576. */
const fields = {
  model_type: 'mistral',
  vocab_size: 100,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  sliding_window: null,
};
const spec = specFromConfig('config.json', fields);

/** The layer and the head of 100 × 8. */
const WEIGHTS = 576 + 800;

test('weights count two or three times two operations for each token, attention by its pairs', () => {
  // Sequences of 3 and 1 tokens have 6 and 1 pairs; two heads of 4.
  const attention = 12 * 8 * 7;
  const lengths = [3, 1];
  expect(trainingFlops({ spec, lengths, lora: null })).toBe(6 * WEIGHTS * 4 + attention);
  expect(trainingFlops({ spec, lengths, lora: 50 })).toBe((4 * WEIGHTS + 6 * 50) * 4 + attention);
});

test('a window bounds what a token sees', () => {
  const windowed = specFromConfig('config.json', { ...fields, sliding_window: 2 });
  // 1 + 2 + 2 + 2 pairs, in place of 10.
  const gap = (of: typeof spec) => trainingFlops({ spec: of, lengths: [4], lora: 0 });
  expect(gap(spec) - gap(windowed)).toBe(12 * 8 * 3);
});

test('a gated delta rule has three products with its state', () => {
  const { sliding_window: _, ...sizes } = fields;
  const qwen = specFromConfig('config.json', {
    ...sizes,
    model_type: 'qwen3_5_text',
    layer_types: ['linear_attention'],
    linear_num_key_heads: 1,
    linear_num_value_heads: 2,
    linear_key_head_dim: 3,
    linear_value_head_dim: 4,
  });
  // q, k and v (3 + 3 + 8) × 8, z 8 × 8, b and a 2 × 8, out 8 × 8, gate, up and down 8 × 16.
  const weights = 14 * 8 + 64 + 2 * 16 + 64 + 3 * 128 + 800;
  const states = 2 * 3 * 4;
  expect(trainingFlops({ spec: qwen, lengths: [3], lora: null })).toBe(
    6 * (weights + 3 * states) * 3,
  );
});

test('a layer with a convolution has its projections and no pairs', () => {
  const { sliding_window: _, ...sizes } = fields;
  const lfm2 = specFromConfig('config.json', {
    ...sizes,
    model_type: 'lfm2',
    block_auto_adjust_ff_dim: false,
    layer_types: ['conv'],
  });
  // in 24 × 8, out 8 × 8, gate, up and down 8 × 16.
  const weights = 192 + 64 + 3 * 128 + 800;
  expect(trainingFlops({ spec: lfm2, lengths: [3], lora: null })).toBe(6 * weights * 3);
});

test('a token is multiplied by its own experts and by the router', () => {
  const { sliding_window: _, ...sizes } = fields;
  const olmoe = (more: object) =>
    specFromConfig('config.json', { ...sizes, model_type: 'olmoe', num_experts: 10, ...more });
  const flops = (experts: number) =>
    trainingFlops({ spec: olmoe({ num_experts_per_tok: experts }), lengths: [3], lora: 0 });
  // Of one expert: gate, up and down of 8 × 16.
  expect(flops(5) - flops(4)).toBe(4 * 3 * 128 * 3 * olmoe({}).layers.length);
  const more = { num_experts: 11, num_experts_per_tok: 4 };
  expect(trainingFlops({ spec: olmoe(more), lengths: [3], lora: 0 }) - flops(4)).toBe(
    4 * 8 * 3 * olmoe({}).layers.length,
  );
});
