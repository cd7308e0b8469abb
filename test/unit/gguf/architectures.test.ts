import { expect, test } from 'vitest';
import { architectureOf } from '../../../src/gguf/architectures.js';
import type { DecoderSpec } from '../../../src/model/spec.js';
import { goldenCase } from '../../support/golden-models.js';

const changed = (name: string, change: Partial<DecoderSpec>): DecoderSpec => ({
  ...goldenCase(name).spec,
  ...change,
});

const BIAS = { q: true, k: true, v: true, o: true, mlp: false };
const LONG = goldenCase('phi3-longrope').spec.ropes;
const TWO_BASES = goldenCase('gemma3').spec.ropes.map((rope) => ({
  ...rope,
  scaling: { type: 'default' } as const,
}));
const LLAMA3 = goldenCase('llama-llama3').spec.ropes;

test.each([
  ['llama', {}, 'llama'],
  ['mistral', {}, 'llama'],
  ['granite', {}, 'granite'],
  ['gemma3', {}, 'gemma3'],
  ['llama', { bias: BIAS }, 'llama'],
  ['phi3', { ropes: LONG }, 'phi3'],
  ['gemma', {}, 'gemma'],
  ['olmo3', {}, 'olmo2'],
  ['internlm3', {}, 'llama'],
  ['iquestcoder', {}, 'llama'],
])('%s with %j is %s', (name, change, expected) => {
  expect(architectureOf(changed(name, change)).name).toBe(expected);
});

test.each([
  ['llama', { family: 'falcon' }, /the model type falcon is not written as GGUF/],
  ['llama', { activation: 'gelu' }, /llama has no activation gelu\./],
  ['qwen3', { bias: BIAS }, /qwen3 has no bias on q, k and v/],
  ['qwen2', { bias: BIAS }, /qwen2 has no bias on the output of attention/],
  ['qwen2', { headDim: 16 }, /qwen2 has no heads of 16 in a hidden size of 32/],
  ['qwen2', { ropes: LLAMA3 }, /qwen2 has no rope scaling llama3/],
  ['llama', { ropes: LONG }, /llama has no rope scaling longrope/],
  ['gemma2', { tieWordEmbeddings: false }, /gemma2 has no output head apart from the embeddings/],
  ['gemma2', { attentionSoftcap: null }, /gemma2 has no scores or logits without soft cap/],
  ['olmo3', { ropes: TWO_BASES }, /olmo2 has no rope base of its own for layers with a window/],
  ['smollm3', {}, /smollm3 has no layers without positions other than every fourth/],
] as const)('%s with %j is refused', (name, change, message) => {
  const refuse = () => architectureOf(changed(name, change as Partial<DecoderSpec>));
  expect(refuse).toThrow(message);
  expect(refuse).toThrow(
    /^format: .* Export as a Hugging Face folder \(format=safetensors\); GGUF takes llama,/,
  );
});

test.each(['vaultgemma', 'exaone4', 'seed_oss', 'cwm', 'ministral', 'ministral3', 'hyperclovax'])(
  '%s is not written',
  (name) => {
    expect(() => architectureOf(goldenCase(name).spec)).toThrow(
      `the model type ${name} is not written as GGUF`,
    );
  },
);
