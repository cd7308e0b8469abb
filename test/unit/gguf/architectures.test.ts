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

const NO_BIAS = { q: false, k: false, v: false, o: false, mlp: false };
/** Two of six, divided by their sum. */
const EXPERTS = goldenCase('qwen3_moe').spec.experts!;
const ATTENTION = { mixer: 'attention', rope: 0, window: null } as const;
const DELTA_LAYERS = goldenCase('qwen3_5').spec.layers.map((layer) =>
  layer.mixer === 'gated_delta' ? { ...layer, valueDim: layer.keyDim } : layer,
);

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
  ['arcee', {}, 'arcee'],
  ['cohere-tied', {}, 'command-r'],
  ['cohere2', {}, 'cohere2'],
  ['starcoder2', { headDim: 4 }, 'starcoder2'],
  ['stablelm', {}, 'stablelm'],
  ['nemotron', {}, 'nemotron'],
  ['phi', {}, 'phi2'],
  ['hunyuan_v1_dense', {}, 'hunyuan-dense'],
  ['iquestcoder', {}, 'llama'],
  ['qwen3_moe', {}, 'qwen3moe'],
  ['qwen3_moe-whole', { bias: NO_BIAS }, 'qwen3moe'],
  ['granitemoehybrid', {}, 'granite'],
  ['granitemoe', { bias: BIAS }, 'granitemoe'],
  ['granitemoe', { ropes: LLAMA3 }, 'granitemoe'],
  ['mixtral', {}, 'llama'],
  ['olmoe', { numKvHeads: 2 }, 'olmoe'],
  ['lfm2', { headDim: 4 }, 'lfm2'],
  ['glm', {}, 'chatglm'],
  ['glm4', {}, 'glm4'],
  ['ernie4_5', {}, 'ernie4_5'],
  ['qwen3_5', { layers: DELTA_LAYERS }, 'qwen35'],
])('%s with %j is %s', (name, change, expected) => {
  expect(architectureOf(changed(name, change)).name).toBe(expected);
});

test.each([
  ['llama', { family: 'falcon' }, /the model type falcon is not written as GGUF/],
  ['llama', { activation: 'gelu' }, /llama has no activation gelu\./],
  ['arcee', { activation: 'silu' }, /arcee has no activation silu\./],
  ['cohere', {}, /command-r has no bias on q, k and v/],
  ['cohere-tied', { layers: Array(64).fill(ATTENTION) }, /command-r has no decoders of 64 layers/],
  ['cohere2', { layers: [ATTENTION] }, /cohere2 has no layers without positions other than/],
  ['starcoder2', { activation: 'gelu' }, /starcoder2 has no activation gelu\./],
  ['stablelm', { bias: BIAS }, /stablelm has no bias on the output of attention/],
  ['qwen3', { bias: BIAS }, /qwen3 has no bias on q, k and v/],
  ['qwen2', { bias: BIAS }, /qwen2 has no bias on the output of attention/],
  ['qwen2', { headDim: 16 }, /qwen2 has no heads of 16 in a hidden size of 32/],
  ['qwen2', { ropes: LLAMA3 }, /qwen2 has no rope scaling llama3/],
  ['llama', { ropes: LONG }, /llama has no rope scaling longrope/],
  ['gemma2', { tieWordEmbeddings: false }, /gemma2 has no output head apart from the embeddings/],
  ['gemma2', { attentionSoftcap: null }, /gemma2 has no scores or logits without soft cap/],
  ['olmo3', { ropes: TWO_BASES }, /olmo2 has no rope base of its own for layers with a window/],
  ['smollm3', {}, /smollm3 has no layers without positions other than every fourth/],
  ['qwen3_moe-whole', {}, /qwen3moe has no bias on q, k and v/],
  [
    'qwen3_moe',
    { experts: { ...EXPERTS, normalized: false } },
    /qwen3moe has no probabilities of experts that are not divided by their sum/,
  ],
  ['olmoe', {}, /olmoe has no heads of queries \(2\) that share keys \(1\)/],
  [
    'olmoe',
    { numKvHeads: 2, experts: EXPERTS },
    /olmoe has no probabilities of experts divided by their sum/,
  ],
  ['lfm2', {}, /lfm2 has no heads of 8 in a hidden size of 16/],
  ['lfm2-bias', { headDim: 4 }, /lfm2 has no bias in convolutions/],
  [
    'lfm2',
    { headDim: 4, layers: [goldenCase('lfm2').spec.layers[0]!] },
    /lfm2 has no decoders of short_conv alone/,
  ],
  ['glm', { headDim: 32 }, /chatglm has no heads of 32 in a hidden size of 32/],
  ['ernie4_5-bias', {}, /ernie4_5 has no bias on q, k and v/],
  ['qwen3_5', {}, /qwen35 has no delta rule with keys of 6 and values of 5/],
  ['qwen3_5', { layers: [ATTENTION] }, /qwen35 has no decoders of attention alone/],
] as const)('%s with %j is refused', (name, change, message) => {
  const refuse = () => architectureOf(changed(name, change as Partial<DecoderSpec>));
  expect(refuse).toThrow(message);
  expect(refuse).toThrow(
    /^format: .* Export as a Hugging Face folder \(format=safetensors\); GGUF takes llama,/,
  );
});

test.each([
  'vaultgemma',
  'exaone4',
  'seed_oss',
  'cwm',
  'ministral',
  'ministral3',
  'hyperclovax',
  'flex_olmo',
])('%s is not written', (name) => {
  expect(() => architectureOf(goldenCase(name).spec)).toThrow(
    `the model type ${name} is not written as GGUF`,
  );
});
