import { expect, test } from 'vitest';
import { randomWeights, specFromConfig } from '../../../src/model/index.js';
import { parameterShapes } from '../../../src/model/spec-modules.js';
import { toFloat32 } from '../../../src/weights/index.js';

const specOf = (modelType: string) =>
  specFromConfig('config.json', {
    model_type: modelType,
    vocab_size: 200,
    hidden_size: 64,
    intermediate_size: 80,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
  });

const options = { seed: 3, std: 0.05, dtype: 'float32' } as const;

test('every parameter is there, with its shape', () => {
  const spec = specOf('olmo2');
  const shapes = [...randomWeights(spec, options)].map(([name, { shape }]) => [name, shape]);
  expect(new Map(shapes as [string, number[]][])).toEqual(parameterShapes(spec));
});

test('matrices have the given deviation, norms multiply by one, biases are zero', () => {
  const weights = randomWeights(specOf('qwen2'), options);
  const embedding = toFloat32(weights.get('model.embed_tokens.weight')!);
  const squares = embedding.reduce((sum, value) => sum + value ** 2, 0);
  // 12,800 samples: the deviation's own relative error is about 1/√25600 = 0.6 %.
  expect(Math.abs(Math.sqrt(squares / embedding.length) / 0.05 - 1)).toBeLessThan(0.03);
  const bias = toFloat32(weights.get('model.layers.0.self_attn.q_proj.bias')!);
  expect(new Set(bias)).toEqual(new Set([0]));
  const norm = toFloat32(weights.get('model.norm.weight')!);
  expect(new Set(norm)).toEqual(new Set([1]));
});

test('a norm that adds one to its weight starts at zero', () => {
  const weights = randomWeights(specOf('gemma2'), options);
  expect(new Set(toFloat32(weights.get('model.norm.weight')!))).toEqual(new Set([0]));
});

test('a gated delta rule begins with its own norm and ones at one, and decays from 0.01 to 16', () => {
  const weights = randomWeights(specOf('qwen3_5_text'), options);
  const valuesOf = (name: string) => toFloat32(weights.get(`model.layers.0.linear_attn.${name}`)!);
  expect(new Set(valuesOf('norm.weight'))).toEqual(new Set([1]));
  expect(new Set(valuesOf('dt_bias'))).toEqual(new Set([1]));
  const rates = valuesOf('A_log').map(Math.exp);
  expect(rates).toHaveLength(32);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0.0099);
  expect(Math.max(...rates)).toBeLessThan(16.001);
  expect(new Set(rates).size).toBe(32);
});

test('the same seed gives the same bytes, another seed others', () => {
  const bytes = (seed: number) =>
    randomWeights(specOf('llama'), { ...options, seed, dtype: 'bfloat16' }).get('lm_head.weight')!
      .bytes;
  expect(bytes(3)).toEqual(bytes(3));
  expect(bytes(3)).not.toEqual(bytes(4));
  expect(bytes(3).byteLength).toBe(2 * 200 * 64);
});
