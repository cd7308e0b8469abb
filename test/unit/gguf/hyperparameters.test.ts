import { expect, test } from 'vitest';
import { hyperparameters } from '../../../src/gguf/hyperparameters.js';
import { goldenCase } from '../../support/golden-models.js';
import { architectureFor, CONVERTED, CONVERTER } from './converter.js';

/** The keys, with numbers as float32 has them. */
function keysOf(name: string): Record<string, unknown> {
  const { spec } = goldenCase(name);
  const keys = Object.entries(hyperparameters(spec, architectureFor(spec)));
  return Object.fromEntries(
    keys.map(([key, { value }]) => [key, typeof value === 'number' ? Math.fround(value) : value]),
  );
}

/** Keys that llama.cpp's loader takes from other keys, or computes, where the converter leaves them out. */
const DERIVED =
  /^[a-z0-9_-]+\.(vocab_size|attention\.(key|value)_length|rope\.dimension_count|rope\.freq_base|rope\.scaling\.(yarn_beta_(fast|slow)|attn_factor|type))$/;

const without = (architecture: string, keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [`${architecture}.${key}`, undefined]));

/** What the files say otherwise than those of the converter. */
const OTHERWISE: Readonly<Record<string, Readonly<Record<string, number | undefined>>>> = {
  // Without scaling the config says nothing; the converter has transformers' default, 4096.
  phi3: { 'phi3.rope.scaling.original_context_length': 64 },
  // No layer has an MLP of the config's `intermediate_size`; llama.cpp reads the experts' width from its own key.
  qwen3_moe: { 'qwen3moe.feed_forward_length': 12 },
  // The converter reads names of older releases, and has defaults for what it does not find.
  glm: {
    'chatglm.context_length': 64,
    'chatglm.attention.layer_norm_rms_epsilon': Math.fround(1.5625e-7),
    'chatglm.rope.freq_base': 1000,
  },
  // The converter has it beside that of LayerNorm, which is read.
  nemotron: { 'nemotron.attention.layer_norm_rms_epsilon': undefined },
  // The converter takes the width from experts that are not there, and has keys of these and of Mamba layers.
  granitemoehybrid: {
    'granite.feed_forward_length': 20,
    'granite.attention.head_count_kv': 2,
    'granite.rope.dimension_count': 8,
    ...without('granite', [
      ...['expert_count', 'expert_used_count', 'expert_shared_feed_forward_length'],
      ...['conv_kernel', 'state_size', 'group_count', 'inner_size'].map((key) => `ssm.${key}`),
      ...['ssm.time_step_rank', 'rope.scaling.finetuned'],
    ]),
  },
  // The converter passes over `head_dim`, which transformers computes with.
  granitemoe: { 'granitemoe.rope.dimension_count': 8 },
};

test.each(CONVERTED)("%s: the keys of llama.cpp's converter", (name) => {
  const { keys } = CONVERTER.families[name]!;
  const found = keysOf(name);
  const shared = Object.fromEntries(Object.keys(keys).map((key) => [key, found[key]]));
  expect(shared).toEqual({ ...keys, ...OTHERWISE[name] });
  const more = Object.keys(found).filter((key) => !(key in keys) && !DERIVED.test(key));
  // Of the golden decoder every other layer slides; llama.cpp assumes five of six.
  expect(more).toEqual(name === 'gemma3' ? ['gemma3.attention.sliding_window_pattern'] : []);
});

test('what the converter leaves to the loader', () => {
  expect(keysOf('gemma3')['gemma3.attention.sliding_window_pattern']).toEqual([true, false, true]);
  expect(keysOf('phi3')).toMatchObject({ 'phi3.rope.dimension_count': 6 });
  expect(keysOf('qwen2')).toMatchObject({
    'qwen2.vocab_size': 96,
    'qwen2.attention.key_length': 8,
    'qwen2.rope.dimension_count': 8,
  });
});

test("YaRN's factor of cosines is what llama.cpp does not multiply by itself", () => {
  const { spec } = goldenCase('llama-yarn');
  const [rope] = spec.ropes;
  const scaled = { ...spec, ropes: [{ ...rope!, scale: 3 }] };
  const { value } = hyperparameters(scaled, architectureFor(spec))[
    'llama.rope.scaling.attn_factor'
  ]!;
  // The golden factor is 4: llama.cpp multiplies by 1 + 0.1 ln 4.
  expect(value).toBeCloseTo(3 / 1.1386294361119891, 12);
});
