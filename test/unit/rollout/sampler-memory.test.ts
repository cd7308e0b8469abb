import { expect, test } from 'vitest';
import { specFromConfig } from '../../../src/model/index.js';
import { memoryOfSamplers, type SamplerSize } from '../../../src/rollout/sampler-memory.js';

const spec = specFromConfig('llama', {
  model_type: 'llama',
  vocab_size: 1000,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 2048,
  tie_word_embeddings: true,
});
/** Per layer q and o 64·64, k and v 64·32, gate, up and down 64·96. */
const LINEAR = 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96);
const VOCABULARY = 1000 * 64;
const size: SamplerSize = {
  spec,
  precision: 'float32',
  stored: { linear: 'bfloat16', rest: 'bfloat16' },
  rows: 8,
  context: 100,
  adapter: 0,
  isReloaded: false,
  isMapped: false,
};
/** Logits and their softmax; keys and values of 2 layers, 2 heads of 16 each. */
const call = (bytes: number) => 2 * 4 * 8 * 1000 + 8 * 100 * 2 * 2 * 2 * 16 * bytes;

test.each([
  { precision: 'float32', expected: 2 * LINEAR + (2 + 2) * VOCABULARY + call(4) },
  { precision: 'bfloat16', expected: 2 * LINEAR + (2 + 2) * VOCABULARY + call(2) },
  { precision: 'int8', expected: LINEAR + (1 + 2) * VOCABULARY + call(2) },
  { precision: 'int8_weight_only', expected: LINEAR + (1 + 2) * VOCABULARY + call(2) },
  // The head stays in 8 bits.
  { precision: 'int4_weight_only', expected: LINEAR / 2 + (1 + 2) * VOCABULARY + call(2) },
  { precision: null, expected: 4 * (LINEAR + 2 * VOCABULARY) + call(4) },
] as const)('a sampler in $precision', ({ precision, expected }) => {
  expect(memoryOfSamplers([{ ...size, precision }])).toBe(expected);
});

test('a base out of 4 bits comes as float32, and is packed so', () => {
  const stored = { linear: 'float32', rest: 'bfloat16' } as const;
  expect(memoryOfSamplers([{ ...size, stored }]) - memoryOfSamplers([size])).toBe(2 * LINEAR);
});

test('pages of a mapped checkpoint stay', () => {
  for (const precision of ['float32', 'int8'] as const) {
    const more = memoryOfSamplers([{ ...size, precision, isMapped: true }]);
    expect(more - memoryOfSamplers([{ ...size, precision }])).toBe(2 * LINEAR);
  }
});

test('the adapter of each is its own copy in float32', () => {
  const adapted = { ...size, adapter: 700 };
  expect(memoryOfSamplers([adapted, adapted]) - memoryOfSamplers([size, size])).toBe(2 * 4 * 700);
});

test('keys and values keep to their limit, 4 GiB', () => {
  const many = memoryOfSamplers([{ ...size, rows: 1e5 }]);
  const logits = 2 * 4 * 1e5 * 1000;
  expect(many).toBe(2 * LINEAR + 4 * VOCABULARY + 4 * 2 ** 30 + logits);
});

test('samplers in one precision of our own operators share its weights', () => {
  const more = (first: Partial<SamplerSize>, second: Partial<SamplerSize>) =>
    memoryOfSamplers([
      { ...size, ...first },
      { ...size, ...second },
    ]) - memoryOfSamplers([{ ...size, ...first }]);
  expect(more({}, {})).toBe(call(4));
  expect(more({}, { precision: 'int8' })).toBe(LINEAR + (1 + 2) * VOCABULARY + call(2));
  const stock = { precision: null };
  expect(more(stock, stock)).toBe(memoryOfSamplers([{ ...size, ...stock }]));
  const reloaded = { isReloaded: true };
  expect(more(reloaded, reloaded)).toBe(memoryOfSamplers([{ ...size, ...reloaded }]));
});

test('states take the same for rows of any length', () => {
  const lfm2 = specFromConfig('lfm2', {
    model_type: 'lfm2',
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    layer_types: ['conv', 'full_attention'],
  });
  const of = (context: number) => memoryOfSamplers([{ ...size, spec: lfm2, context }]);
  // Keys and values of one layer, 2 heads of 16; a state of 2 times 64 numbers.
  const token = 2 * 2 * 16 * 4;
  expect(of(101) - of(100)).toBe(8 * token);
  const rows = (count: number) => memoryOfSamplers([{ ...size, spec: lfm2, rows: count }]);
  expect(rows(9) - rows(8)).toBe(100 * token + 2 * 64 * 4 + 2 * 4 * 65_536);
});

test('a gated delta rule keeps inputs of its convolution and a state of each head', () => {
  const qwen = specFromConfig('qwen', {
    model_type: 'qwen3_5_text',
    vocab_size: 65_536,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    layer_types: ['linear_attention', 'full_attention'],
    linear_num_key_heads: 2,
    linear_num_value_heads: 4,
    linear_key_head_dim: 8,
    linear_value_head_dim: 16,
  });
  const rows = (count: number) => memoryOfSamplers([{ ...size, spec: qwen, rows: count }]);
  const token = 2 * 2 * 16 * 4;
  // Three inputs of 2 · 16 + 64 channels; 4 heads of 8 × 16.
  const state = 4 * (3 * 96 + 4 * 8 * 16);
  expect(rows(9) - rows(8)).toBe(100 * token + state + 2 * 4 * 65_536);
});

test('all experts are held, in as few bits as linear modules', () => {
  const of = (experts: number, precision: SamplerSize['precision']) => {
    const spec = specFromConfig('olmoe', {
      ...{ model_type: 'olmoe', vocab_size: 96, hidden_size: 64, intermediate_size: 48 },
      ...{ num_hidden_layers: 2, num_attention_heads: 4, num_experts: experts },
    });
    return memoryOfSamplers([{ ...size, spec, precision }]);
  };
  const more = 2 * 3 * 64 * 48;
  expect(of(9, 'int4_weight_only') - of(8, 'int4_weight_only')).toBe(0.5 * more);
  expect(of(9, 'int8') - of(8, 'int8')).toBe(more);
});
