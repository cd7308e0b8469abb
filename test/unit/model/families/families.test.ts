import { describe, expect, test } from 'vitest';
import { attends } from '../../../../src/model/families/layer-types.js';
import { POST_NORMS, PRE_NORMS } from '../../../../src/model/families/norms.js';
import { specFromConfig } from '../../../../src/model/index.js';
import { attentionLayers } from '../../../../src/model/spec.js';
import { layerLinears, layerNorms, parameterShapes } from '../../../../src/model/spec-modules.js';
import { InputError } from '../../../../src/util/errors.js';
import type { JsonRow } from '../../../../src/util/files.js';
import { FAMILIES, goldenCase, ROPE_CASES } from '../../../support/golden-models.js';

const specOf = (values: JsonRow) => specFromConfig('config.json', values);

const SIZES: JsonRow = {
  vocab_size: 96,
  hidden_size: 32,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

const config = (modelType: string, more: JsonRow = {}): JsonRow => ({
  model_type: modelType,
  ...SIZES,
  num_key_value_heads: 2,
  ...more,
});

const STEADY = { rope_parameters: { rope_type: 'default', llama_4_scaling_beta: 0 } };

describe.each([...FAMILIES, ...ROPE_CASES])('%s', (name) => {
  const golden = goldenCase(name);

  test('the names of transformers 5 give the spec that the older ones give', () => {
    expect(specOf(golden.saved)).toEqual(specOf(golden.config));
  });

  test('a field that is not understood is refused by its name', () => {
    expect(() => specOf({ ...golden.config, moon_phase: 3 })).toThrow(
      'config.json: field "moon_phase" (3) is not understood',
    );
    expect(() => specOf({ ...golden.config, moon_phase: null })).not.toThrow();
  });
});

test.each(FAMILIES)('%s: the parameters are those of transformers', (name) => {
  const { spec, gradients } = goldenCase(name);
  const expected = [...gradients]
    .filter(([key]) => key.startsWith('grad.'))
    .map(([key, { shape }]) => [key.slice('grad.'.length), shape]);
  expect(Object.fromEntries(parameterShapes(spec))).toEqual(Object.fromEntries(expected));
});

describe('a model that reads images too', () => {
  const sizes = { ...SIZES, num_key_value_heads: 2 };
  const whole = { model_type: 'gemma3', text_config: sizes };

  test('is its text decoder, which PEFT finds below another name', () => {
    const { root, ...decoder } = specOf(whole);
    expect(root).toBe('model.language_model');
    expect({ ...decoder, root: 'model' }).toEqual(specOf(config('gemma3_text')));
  });

  test('of Qwen 2.5 may be its text decoder without text_config, and has defaults of its own', () => {
    const beside = { vision_config: { depth: 1 }, image_token_id: 5 };
    const flat = { ...sizes, ...beside, model_type: 'qwen2_5_vl' };
    const scaling = { rope_scaling: { type: 'mrope', mrope_section: [1, 1, 2] } };
    const { root, ...decoder } = specOf({ ...flat, ...scaling });
    expect(root).toBe('model.language_model');
    const own = { rms_norm_eps: 1e-5, rope_theta: 1_000_000 };
    expect({ ...decoder, root: 'model' }).toEqual(specOf(config('qwen2', own)));
    expect(specOf({ model_type: 'qwen2_5_vl', text_config: sizes }).normEps).toBe(1e-5);
    expect(() => specOf({ ...flat, moon_phase: 3 })).toThrow('"moon_phase" (3)');
    expect(() => specOf({ ...whole, ...flat, model_type: 'gemma3', text_config: null })).toThrow(
      'without the object "text_config"',
    );
  });

  test('is refused without a text_config, or with a field there that is not understood', () => {
    expect(() => specOf({ model_type: 'mistral3' })).toThrow(
      'config.json: model_type "mistral3" without the object "text_config"',
    );
    expect(() => specOf({ ...whole, text_config: { ...sizes, moon_phase: 3 } })).toThrow(
      'config.json (text_config): field "moon_phase" (3) is not understood',
    );
    const fp8 = { ...whole, quantization_config: { quant_method: 'fp8' } };
    expect(() => specOf(fp8)).toThrow('field "quantization_config" ({"quant_method":"fp8"})');
  });
});

test('what the fields of each family come to', () => {
  const all = attends(null);
  expect(specOf(config('llama', { attention_bias: true, mlp_bias: true })).bias).toEqual({
    q: true,
    k: true,
    v: true,
    o: true,
    mlp: true,
  });
  expect(specOf(config('qwen2')).bias).toMatchObject({ q: true, k: true, v: true, o: false });
  expect(specOf(config('qwen3', { head_dim: 16 }))).toMatchObject({ qkNorm: 'head', headDim: 16 });
  expect(specOf(config('olmo2'))).toMatchObject({ qkNorm: 'full', norms: POST_NORMS });
  expect(specOf(config('smollm3', { num_hidden_layers: 5 })).layers).toEqual([
    all,
    all,
    all,
    attends(null, null),
    all,
  ]);
  const phi3 = specOf(config('phi3', { partial_rotary_factor: 0.5 }));
  expect(phi3.ropes[0]!.rotaryDim).toBe(4);
  // 4 query heads and 2 + 2 key and value heads of 8; gate and up of 40.
  expect(layerLinears(phi3, 0).map(({ outFeatures }) => outFeatures)).toEqual([64, 32, 80, 32]);
});

test('the multipliers of granite', () => {
  const granite = specOf(
    config('granite', {
      embedding_multiplier: 12,
      attention_multiplier: 0.015625,
      residual_multiplier: 0.22,
      logits_scaling: 8,
    }),
  );
  expect(granite).toMatchObject({
    embeddingScale: 12,
    attentionScale: 0.015625,
    residualScale: 0.22,
    logitScale: 0.125,
  });
});

describe('sliding windows', () => {
  const windows = (values: JsonRow) => attentionLayers(specOf(values)).map(({ window }) => window);

  test('mistral: every layer; a missing field means 4096, null means none', () => {
    expect(windows(config('mistral', { sliding_window: 8 }))).toEqual([8, 8]);
    expect(windows(config('mistral'))).toEqual([4096, 4096]);
    expect(windows(config('mistral', { sliding_window: null }))).toEqual([null, null]);
  });

  test('qwen 2 and 3: from max_window_layers on, where they are switched on', () => {
    const on = { use_sliding_window: true };
    for (const family of ['qwen2', 'qwen3']) {
      const of = (more: JsonRow) => windows(config(family, more));
      expect(of({ ...on, sliding_window: 8, max_window_layers: 1 })).toEqual([null, 8]);
      expect(of({ ...on, sliding_window: 8, max_window_layers: 0 })).toEqual([8, 8]);
      // What transformers 5.24 has where nothing is said: a window of 4096 from layer 28 on.
      const deep = of({ ...on, num_hidden_layers: 29 });
      expect([deep[27], deep[28]]).toEqual([null, 4096]);
      expect(of({ ...on, sliding_window: null, max_window_layers: 0 })).toEqual([null, null]);
      expect(of({ sliding_window: 8, max_window_layers: 0 })).toEqual([null, null]);
    }
  });

  test('smollm 3: the layers without positions, where they are switched on', () => {
    const of = (more: JsonRow) => windows(config('smollm3', { no_rope_layers: [1, 0], ...more }));
    expect(of({ use_sliding_window: true, sliding_window: 8 })).toEqual([null, 8]);
    expect(of({ use_sliding_window: true })).toEqual([null, null]);
    expect(of({ sliding_window: 8 })).toEqual([null, null]);
  });

  test('gemma 2: every other layer, or as layer_types says', () => {
    expect(windows(config('gemma2', { num_hidden_layers: 3 }))).toEqual([4096, null, 4096]);
    const types = ['full_attention', 'sliding_attention'];
    expect(windows(config('gemma2', { layer_types: types }))).toEqual([null, 4096]);
  });

  test('gemma 3: the last of each period sees everything, by another rope', () => {
    const { layers } = specOf(
      config('gemma3_text', { num_hidden_layers: 7, sliding_window: 512, head_dim: 8 }),
    );
    const local = attends(512, 1);
    expect(layers).toEqual([local, local, local, local, local, attends(null), local]);
  });
});

describe('layers of one kind or the other', () => {
  const [full, sliding] = ['full_attention', 'sliding_attention'];
  const all = attends(null);

  test('exaone 4: without positions where it sees everything, if any window is named', () => {
    const layers = (more: JsonRow) => specOf(config('exaone4', more)).layers;
    const slides = attends(8);
    const nope = attends(null, null);
    expect(layers({ sliding_window: 8, num_hidden_layers: 4 })).toEqual([
      slides,
      slides,
      slides,
      nope,
    ]);
    const types = { layer_types: [full, sliding], sliding_window_pattern: 'LLLG' };
    expect(layers({ sliding_window: 8, ...types })).toEqual([nope, slides]);
    expect(layers({ sliding_window: 8, layer_types: [full, full] })).toEqual([nope, nope]);
    expect(layers({ sliding_window: null, sliding_window_pattern: null })).toEqual([all, all]);
  });

  test('olmo 3: rope scaling for the layers that see everything', () => {
    const rope_scaling = { rope_type: 'linear', factor: 4 };
    const { layers, ropes } = specOf(config('olmo3', { num_hidden_layers: 5, rope_scaling }));
    const slides = attends(4096, 1);
    expect(layers).toEqual([slides, slides, slides, all, slides]);
    expect(ropes.map(({ invFreq }) => invFreq[0])).toEqual([0.25, 1]);
    const each = { rope_type: 'default', rope_theta: 100 };
    const rope_parameters = { [full!]: { ...each, rope_theta: 16 }, [sliding!]: each };
    const saved = specOf(config('olmo3', { rope_theta: 7, rope_parameters }));
    expect(saved.ropes.map(({ theta }) => theta)).toEqual([16, 100]);
  });

  test('cwm: the first of four sees everything', () => {
    const rope_scaling = { rope_type: 'default' };
    const spec = specOf(config('cwm', { num_hidden_layers: 5, rope_scaling }));
    expect(attentionLayers(spec).map(({ window }) => window)).toEqual([
      null,
      8192,
      8192,
      8192,
      null,
    ]);
    expect(spec.ropes[0]!.theta).toBe(1_000_000);
  });

  test('ministral: all slide where nothing says otherwise', () => {
    const windows = (more: JsonRow) =>
      attentionLayers(specOf(config('ministral', more))).map(({ window }) => window);
    expect(windows({})).toEqual([4096, 4096]);
    expect(windows({ sliding_window: null })).toEqual([null, null]);
    expect(windows({ sliding_window: 8, layer_types: [sliding, full] })).toEqual([8, null]);
  });
});

test("ministral 3's context ends where its queries begin to grow", () => {
  const positions = (beta: number) => {
    const rope = { rope_type: 'default', original_max_position_embeddings: 32 };
    const more = { rope_parameters: { ...rope, llama_4_scaling_beta: beta } };
    return specOf(config('ministral3', { max_position_embeddings: 64, ...more })).maxPositions;
  };
  expect([positions(0.1), positions(0)]).toEqual([32, 64]);
});

test('which modules have biases', () => {
  const biases = (type: string, more: JsonRow) => {
    const { q, k, v, o, mlp } = specOf(config(type, more)).bias;
    return [q, k, v, o, mlp];
  };
  expect(biases('seed_oss', {})).toEqual([true, true, true, false, false]);
  const others = { attention_bias: false, attention_out_bias: true, mlp_bias: true };
  expect(biases('seed_oss', others)).toEqual([false, false, false, true, true]);
  const all = new Array(5).fill(true);
  expect(biases('internlm3', { qkv_bias: true, bias: true })).toEqual(all);
  expect(biases('internlm3', { attention_bias: true, mlp_bias: true })).toEqual(all);
});

test('glm: neighbours of half a head are rotated, gate and up are one matrix; glm4 has norms after, too', () => {
  const of = (more: JsonRow) => specOf(config('glm4', { head_dim: 16, ...more }));
  const spec = of({});
  expect(spec.ropes[0]).toMatchObject({ rotaryDim: 8, rotatesNeighbours: true, theta: 10_000 });
  expect(of({ partial_rotary_factor: 0.25 }).ropes[0]!.rotaryDim).toBe(4);
  expect(spec.bias).toEqual({ q: true, k: true, v: true, o: false, mlp: false });
  // 4 query heads and 2 key and value heads of 16; gate and up of 40.
  const widths = layerLinears(spec, 0).map(({ outFeatures }) => outFeatures);
  expect(widths).toEqual([64, 32, 32, 32, 80, 32]);
  const after = 'model.layers.0.post_self_attn_layernorm.weight';
  expect(layerNorms(spec, 0).afterAttention).toBe(after);
  expect(specOf(config('glm')).norms).toEqual(PRE_NORMS);
});

test('ernie: neighbours of the whole head are rotated; biases everywhere or nowhere', () => {
  const spec = specOf(config('ernie4_5', { head_dim: null, use_bias: true }));
  expect(spec.ropes[0]).toMatchObject({ rotaryDim: 8, rotatesNeighbours: true, theta: 500_000 });
  expect(spec.bias).toEqual({ q: true, k: true, v: true, o: true, mlp: true });
  expect(specOf(config('ernie4_5'))).toMatchObject({ headDim: 128, tieWordEmbeddings: true });
  expect(specOf(config('llama')).ropes[0]!.rotatesNeighbours).toBe(false);
});

test('hyperclovax: what it has where granite has it not', () => {
  const scales = { logits_scaling: 8, head_dim: 16 };
  const spec = specOf(config('hyperclovax', scales));
  expect(spec).toMatchObject({ logitScale: 8, attentionScale: 0.25 });
  expect(layerNorms(spec, 0).afterAttention).toBe('model.layers.0.post_norm1.weight');
  const without = specOf(config('hyperclovax', { ...scales, use_post_norm: false }));
  expect(layerNorms(without, 0).afterAttention).toBeNull();
});

test('a head_dim of null is hidden size over heads', () => {
  expect(specOf(config('seed_oss', {})).headDim).toBe(128);
  expect(specOf(config('seed_oss', { head_dim: null })).headDim).toBe(8);
});

test('gemma 3 has a base for each kind of layer, and scales the global one only', () => {
  const values = config('gemma3_text', {
    head_dim: 8,
    rope_theta: 1e6,
    rope_local_base_freq: 1e4,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  });
  const [full, local] = specOf(values).ropes;
  expect(full!.invFreq).toBeAllclose([1, 10 ** -1.5, 1e-3, 10 ** -4.5].map((f) => f / 8));
  expect(local!.invFreq).toBeAllclose([1, 0.1, 0.01, 0.001]);
});

describe('what is refused, by the name of the field', () => {
  test.each([
    ['model_type', { model_type: 'falcon' }, 'model_type "falcon" is not supported'],
    ['model_type', { model_type: 'constructor' }, 'is not supported'],
    [
      'num_hidden_layers',
      config('llama', { num_hidden_layers: 1e9 }),
      '"num_hidden_layers" is 1000000000, expected a positive integer up to 10000',
    ],
    ['hidden_size', config('llama', { hidden_size: undefined }), '"hidden_size" is missing'],
    ['vocab_size', config('llama', { vocab_size: 0.5 }), '"vocab_size" is 0.5'],
    ['num_key_value_heads', config('llama', { num_key_value_heads: 3 }), 'a divisor of'],
    ['hidden_act', config('llama', { hidden_act: 'relu2' }), '"hidden_act" is "relu2"'],
    ['rope_interleaved', config('llama', { rope_interleaved: true }), '"rope_interleaved"'],
    ['attention_bias', config('mistral', { attention_bias: true }), '"attention_bias" is true'],
    ['layer_types', config('mistral', { layer_types: ['full_attention'] }), '"layer_types"'],
    ['quantization_config', config('llama', { quantization_config: {} }), '"quantization_config"'],
    ['num_experts', config('qwen3', { num_experts: 8 }), '"num_experts" (8)'],
    ['use_mrope', config('qwen2', { use_mrope: true }), '"use_mrope"'],
    [
      'layer_types',
      config('qwen2', { layer_types: ['full_attention', 'sliding_attention'] }),
      '"use_sliding_window" is false, expected true, since layer 1 slides',
    ],
    ['layer_types', config('qwen3', { layer_types: ['full_attention'] }), 'a list of 2'],
    ['layer_types', config('gemma2', { layer_types: ['mamba', 'mamba'] }), '"layer_types"'],
    ['hidden_act', config('gemma2', { hidden_act: 'gelu' }), '"hidden_act" is "gelu"'],
    [
      'attn_logit_softcapping',
      config('gemma3_text', { attn_logit_softcapping: 50 }),
      '"attn_logit_softcapping" (50)',
    ],
    [
      'use_bidirectional_attention',
      config('gemma3_text', { use_bidirectional_attention: true }),
      '"use_bidirectional_attention"',
    ],
    ['compression_ratio', config('ernie4_5', { compression_ratio: 2 }), '"compression_ratio" is 2'],
    [
      'partial_rotary_factor',
      config('ernie4_5', { partial_rotary_factor: 0.5 }),
      '"partial_rotary_factor" (0.5) is not understood',
    ],
    ['full_attn_mod', config('phi3', { full_attn_mod: 2 }), '"full_attn_mod" is 2'],
    ['no_rope_layers', config('smollm3', { no_rope_layers: [1] }), '"no_rope_layers" is [1]'],
    [
      'max_window_layers',
      config('qwen3', { max_window_layers: 1.5 }),
      '"max_window_layers" is 1.5, expected an integer of at least 0',
    ],
    [
      'use_sliding_window',
      config('iquestcoder', { use_sliding_window: true }),
      '"use_sliding_window" is true',
    ],
    ['residual_multiplier', config('granite', { residual_multiplier: 0 }), 'a number above 0'],
    [
      'sliding_window',
      config('gemma2', { sliding_window: null }),
      '"sliding_window" is null, expected a positive integer, since layer 0 slides',
    ],
    ['hidden_act', config('gemma', { hidden_act: 'silu' }), '"hidden_act" is "silu"'],
    ['hidden_activation', config('gemma', { hidden_activation: 'gelu' }), '"hidden_activation"'],
    [
      'sliding_window_pattern',
      config('exaone4', { sliding_window_pattern: 'LLLG' }),
      '"sliding_window_pattern" is "LLLG"',
    ],
    ['rope_theta', config('olmo3', { rope_theta: 1e4 }), '"rope_theta" is 10000, expected 500000'],
    ['rope_parameters', config('cwm'), '"rope_parameters" is missing'],
    [
      'llama_4_scaling_beta',
      config('ministral3', { rope_parameters: { rope_type: 'default' } }),
      '"rope_parameters.llama_4_scaling_beta" is missing',
    ],
    ['layer_types', config('ministral3', { layer_types: [], ...STEADY }), '"layer_types"'],
    ['bias', config('internlm3', { qkv_bias: true }), '"bias" is false, expected true'],
    [
      'attention_bias',
      config('internlm3', { qkv_bias: true, attention_bias: false }),
      '"attention_bias" is false',
    ],
    ['clip_qkv', config('iquestcoder', { clip_qkv: 8 }), '"clip_qkv" (8)'],
  ])('%s', (_, values, message) => {
    expect(() => specOf(values)).toThrow(InputError);
    expect(() => specOf(values)).toThrow(message);
  });
});

describe('lfm2', () => {
  const of = (more: JsonRow) =>
    specOf(config('lfm2', { block_auto_adjust_ff_dim: false, ...more }));
  const mixers = (more: JsonRow) => of(more).layers.map(({ mixer }) => mixer);
  const [conv, attention] = ['short_conv', 'attention'];

  test('which layers have attention: by layer_types, then full_attn_idxs, else all', () => {
    expect(mixers({})).toEqual([attention, attention]);
    expect(mixers({ full_attn_idxs: [1] })).toEqual([conv, attention]);
    expect(mixers({ full_attn_idxs: [1], layer_types: ['full_attention', 'conv'] })).toEqual([
      attention,
      conv,
    ]);
    expect(() => of({ full_attn_idxs: [2] })).toThrow('"full_attn_idxs" is [2]');
    expect(() => of({ layer_types: ['conv', 'sliding_attention'] })).toThrow('"layer_types"');
  });

  test('the width of the MLP, as transformers makes it of block_ff_dim', () => {
    const width = (more: JsonRow) =>
      of({ block_auto_adjust_ff_dim: true, ...more }).intermediateSize;
    // LFM2-1.2B, -350M and -2.6B.
    expect(width({ block_ff_dim: 12_288 })).toBe(8192);
    expect(width({ block_ff_dim: 6656 })).toBe(4608);
    expect(width({ intermediate_size: 10_752 })).toBe(7168);
    expect(width({ block_ff_dim: 100, block_multiple_of: 8, block_ffn_dim_multiplier: 1.3 })).toBe(
      88,
    );
    expect(of({ block_ff_dim: 100 }).intermediateSize).toBe(100);
  });

  test('sizes that are said twice must agree', () => {
    expect(() => of({ conv_dim: 16 })).toThrow('field "conv_dim" is 16, expected 32');
    expect(() => of({ theta: 5 })).toThrow('field "theta" is 5, expected 1000000');
    expect(() => of({ rms_norm_eps: 1e-5 })).toThrow('"rms_norm_eps"');
    expect(() => of({ conv_L_cache: 1 })).toThrow('"conv_L_cache" is 1, expected at least 2');
    expect(of({ tie_embedding: false }).tieWordEmbeddings).toBe(false);
    expect(of({}).tieWordEmbeddings).toBe(true);
  });
});

describe('qwen3_5_text', () => {
  const of = (more: JsonRow) => specOf(config('qwen3_5_text', more));
  const mixers = (more: JsonRow) => of(more).layers.map(({ mixer }) => mixer);
  const [delta, attention] = ['gated_delta', 'attention'];

  test('which layers have attention: by layer_types, else every fourth', () => {
    const five = { num_hidden_layers: 5 };
    expect(mixers(five)).toEqual([delta, delta, delta, attention, delta]);
    expect(mixers({ ...five, full_attention_interval: 2 })).toEqual([
      ...[delta, attention, delta, attention, delta],
    ]);
    const types = ['full_attention', 'linear_attention'];
    expect(mixers({ layer_types: types, full_attention_interval: 2 })).toEqual([attention, delta]);
    expect(() => of({ layer_types: ['full_attention', 'conv'] })).toThrow('"layer_types"');
  });

  test('rotates a quarter of a head, and passes over what only images need', () => {
    const rope = { rope_type: 'default', rope_theta: 1e7, partial_rotary_factor: 0.5 };
    const sections = { mrope_section: [11, 11, 10], mrope_interleaved: true };
    expect(of({ head_dim: 64 }).ropes[0]).toMatchObject({ rotaryDim: 16, theta: 10_000 });
    const said = of({ head_dim: 64, rope_parameters: { ...rope, ...sections } });
    expect(said.ropes[0]).toMatchObject({ rotaryDim: 32, theta: 1e7 });
    expect(said).toMatchObject({ normOffset: 1, qkNorm: 'head', attentionGate: true });
  });

  test('refuses what would compute other numbers', () => {
    expect(() => of({ attn_output_gate: false })).toThrow('"attn_output_gate" is false');
    expect(() => of({ mlp_only_layers: [1] })).toThrow('"mlp_only_layers" is [1], expected []');
    expect(() => of({ linear_num_key_heads: 5 })).toThrow(
      '"linear_num_value_heads" is 32, expected a multiple of linear_num_key_heads (5)',
    );
    expect(() => of({ linear_conv_kernel_dim: 1 })).toThrow('is 1, expected at least 2');
    expect(() => of({ hidden_act: 'gelu' })).toThrow('"hidden_act"');
    expect(() => of({ num_experts: 8 })).toThrow('"num_experts" (8) is not understood');
  });
});

describe.each([
  ['qwen3_moe', 'moe_intermediate_size', 768, 128, 0.001],
  ['olmoe', 'intermediate_size', 40, 64, 0.01],
] as const)('%s', (type, width, inner, count, auxLossCoef) => {
  const of = (more: JsonRow = {}) => specOf(config(type, more));

  test('how many experts there are and how wide, by any of their names', () => {
    const experts = {
      count,
      perToken: 8,
      normalized: false,
      auxLossCoef,
      stacked: false,
      inTurns: false,
      biased: false,
      module: 'mlp.experts',
    };
    expect(of()).toMatchObject({ experts, intermediateSize: inner });
    expect(of({ num_experts: 9, num_local_experts: 9 }).experts).toEqual({ ...experts, count: 9 });
    expect(of({ norm_topk_prob: true }).experts!.normalized).toBe(true);
    expect(of({ [width]: 24 }).intermediateSize).toBe(24);
    expect(of({ router_aux_loss_coef: 0.02, output_router_logits: true }).experts).toEqual({
      ...experts,
      auxLossCoef: 0.02,
    });
  });

  test('refuses what does not fit, or would compute other numbers', () => {
    expect(() => of({ num_experts: 9, num_local_experts: 10 })).toThrow(
      '"num_local_experts" is 10, expected 9, as num_experts says',
    );
    expect(() => of({ num_experts: 4 })).toThrow('"num_experts_per_tok" is 8, expected at most');
    expect(of({ router_aux_loss_coef: 0 }).experts!.auxLossCoef).toBe(0);
    expect(() => of({ router_aux_loss_coef: -0.1 })).toThrow(
      '"router_aux_loss_coef" is -0.1, expected a number of at least 0',
    );
    expect(() => of({ hidden_act: 'gelu' })).toThrow('"hidden_act" is "gelu"');
    if (type === 'olmoe') expect(() => of({ head_dim: 4 })).toThrow('"head_dim" is 4, expected 8');
    const other = type === 'olmoe' ? { clip_qkv: 8 } : { mlp_only_layers: [1] };
    expect(() => of(other)).toThrow(
      type === 'olmoe' ? '"clip_qkv" is 8' : '"mlp_only_layers" is [1]',
    );
  });
});

test('arcee: MLPs without a gate', () => {
  const spec = specOf(config('arcee', { mlp_bias: true }));
  expect(spec).toMatchObject({ activation: 'relu', mlpGate: 'itself', normEps: 1e-5 });
  const mlp = [...parameterShapes(spec)].filter(([name]) => name.startsWith('model.layers.1.mlp'));
  expect(Object.fromEntries(mlp)).toEqual({
    'model.layers.1.mlp.up_proj.weight': [40, 32],
    'model.layers.1.mlp.up_proj.bias': [40],
    'model.layers.1.mlp.down_proj.weight': [32, 40],
    'model.layers.1.mlp.down_proj.bias': [32],
  });
  expect(() => specOf(config('arcee', { hidden_act: 'silu' }))).toThrow(
    '"hidden_act" is "silu", expected "relu2"',
  );
  expect(() => specOf(config('llama', { hidden_act: 'relu2' }))).toThrow('"hidden_act" is "relu2"');
});

test('starcoder2: LayerNorms with biases, and MLPs whose activation is all', () => {
  const spec = specOf(config('starcoder2', { sliding_window: 9 }));
  expect(spec).toMatchObject({ activation: 'gelu_tanh', mlpGate: 'none', normEps: 1e-5 });
  expect(spec).toMatchObject({ centredNorms: true, normBias: true, tieWordEmbeddings: true });
  expect(spec.layers).toEqual([attends(9), attends(9)]);
  const layer = [...parameterShapes(spec)].filter(([name]) => name.startsWith('model.layers.1'));
  expect(layer.filter(([name]) => name.endsWith('.bias')).length).toBe(8);
  expect(Object.fromEntries(layer)).toMatchObject({
    'model.layers.1.input_layernorm.bias': [32],
    'model.layers.1.mlp.c_fc.weight': [40, 32],
    'model.layers.1.mlp.c_proj.bias': [32],
  });
  const plain = parameterShapes(specOf(config('starcoder2', { use_bias: false })));
  const biases = [...plain.keys()].filter((name) => name.endsWith('.bias'));
  expect(biases.every((name) => name.includes('norm'))).toBe(true);
  expect(biases.length).toBe(5);
  expect(() => specOf(config('starcoder2', { norm_type: 'rms' }))).toThrow('"norm_type" is "rms"');
  expect(() => specOf(config('starcoder2', { mlp_type: 'gated' }))).toThrow('"mlp_type" is');
});

test('stablelm: part of a head is rotated, and MLPs may stand beside attention', () => {
  const spec = specOf(config('stablelm', { use_qkv_bias: true }));
  expect(spec).toMatchObject({ centredNorms: true, normBias: true, norms: PRE_NORMS });
  expect(spec).toMatchObject({ parallelMlp: false, mlpGate: 'linear', normEps: 1e-5 });
  expect(spec.bias).toEqual({ q: true, k: true, v: true, o: false, mlp: false });
  expect(spec.ropes[0]!.rotaryDim).toBe(2);
  const parallel = specOf(config('stablelm', { use_parallel_residual: true }));
  expect(parallel.parallelMlp).toBe(true);
  const names = [...parameterShapes(parallel).keys()];
  expect(names.some((name) => name.includes('post_attention_layernorm'))).toBe(false);
  expect(names).toContain('model.norm.bias');
  expect(parallel.bias.q).toBe(false);
  expect(() => specOf(config('stablelm', { qk_layernorm: true }))).toThrow(
    '"qk_layernorm" is true',
  );
  expect(() => specOf(config('stablelm', { head_dim: 16 }))).toThrow(
    '"head_dim" is 16, expected 8',
  );
});

test('nemotron: norms by 1 + weight with biases, MLPs by relu² without a gate', () => {
  const spec = specOf(config('nemotron', { norm_eps: 1e-4, kv_channels: 8 }));
  expect(spec).toMatchObject({ centredNorms: true, normBias: true, normOffset: 1, normEps: 1e-4 });
  expect(spec).toMatchObject({ activation: 'relu', mlpGate: 'itself' });
  expect(spec.ropes[0]!.rotaryDim).toBe(4);
  expect(() => specOf(config('nemotron', { hidden_act: 'gelu' }))).toThrow(
    '"hidden_act" is "gelu"',
  );
  expect(() => specOf(config('nemotron', { kv_channels: 16 }))).toThrow('"kv_channels" is 16');
});

test('phi: one LayerNorm for attention and MLP, and a bias of the output head', () => {
  const spec = specOf(config('phi', { num_key_value_heads: 4 }));
  expect(spec).toMatchObject({ activation: 'gelu_tanh', mlpGate: 'none', parallelMlp: true });
  expect(spec).toMatchObject({ centredNorms: true, normBias: true, normEps: 1e-5 });
  expect(spec.ropes[0]!.rotaryDim).toBe(4);
  const shapes = Object.fromEntries(parameterShapes(spec));
  expect(shapes).toMatchObject({
    'lm_head.bias': [96],
    'model.final_layernorm.bias': [32],
    'model.layers.1.self_attn.dense.bias': [32],
    'model.layers.1.mlp.fc1.weight': [40, 32],
    'model.layers.1.mlp.fc2.bias': [32],
  });
  expect(() => specOf(config('phi', { qk_layernorm: true }))).toThrow('"qk_layernorm" is true');
  expect(() => specOf(config('phi', { tie_word_embeddings: true }))).toThrow(
    '"tie_word_embeddings" is true, expected false',
  );
});

test('cohere: one LayerNorm for attention and MLP; cohere2 has no positions where it sees everything', () => {
  const norms = { beforeAttention: 'input_layernorm', beforeMlp: 'input_layernorm' };
  for (const type of ['cohere', 'cohere2']) {
    const spec = specOf(config(type, { layer_norm_eps: 1e-4, logit_scale: 0.25 }));
    expect(spec).toMatchObject({ norms, centredNorms: true, parallelMlp: true, normEps: 1e-4 });
    expect(spec).toMatchObject({ logitScale: 0.25, tieWordEmbeddings: true });
    expect(spec.ropes[0]!.rotatesNeighbours).toBe(true);
    expect(parameterShapes(spec).has('model.layers.0.post_attention_layernorm.weight')).toBe(false);
    expect(() => specOf(config(type, { use_parallel_block: false }))).toThrow('is false');
    expect(() => specOf(config(type, { rotary_pct: 0.5 }))).toThrow('"rotary_pct" is 0.5');
  }
  expect(specOf(config('cohere')).layers).toEqual([attends(null), attends(null)]);
  const layers = [attends(9), attends(null, null)];
  expect(
    specOf(config('cohere2', { sliding_window: 9, sliding_window_pattern: 2 })).layers,
  ).toEqual(layers);
  expect(() => specOf(config('cohere', { use_qk_norm: true }))).toThrow('"use_qk_norm" is true');
  expect(() => specOf(config('cohere2', { head_dim: 16 }))).toThrow('"head_dim" is 16, expected 8');
});

test('hunyuan_v1_dense: norms after the rotation, whose base alpha stretches', () => {
  const scaling = { type: 'dynamic', alpha: 16, factor: 1 };
  const spec = specOf(config('hunyuan_v1_dense', { head_dim: 6, rope_scaling: scaling }));
  expect(spec).toMatchObject({ qkNorm: 'head', qkNormLast: true });
  // 10,000 · 16^(6/4); frequencies are powers of it.
  expect(spec.ropes[0]!.theta).toBeCloseTo(640_000);
  expect(spec.ropes[0]!.invFreq).toBeAllclose([1, 640_000 ** (-1 / 3), 640_000 ** (-2 / 3)]);
  expect(spec.maxPositions).toBe(2048);
  const of = (more: JsonRow) => () => specOf(config('hunyuan_v1_dense', more));
  expect(of({ rope_scaling: { type: 'dynamic' } })).toThrow('"rope_scaling.alpha" is missing');
  expect(of({ use_cla: true })).toThrow('"use_cla" is true');
  expect(of({ use_qk_norm: false })).toThrow('"use_qk_norm" is false');
  expect(of({ attention_head_dim: 16 })).toThrow('"attention_head_dim" is 16, expected 8');
  expect(() => specOf(config('llama', { rope_scaling: { ...scaling, factor: 2 } }))).toThrow(
    '"rope_scaling.alpha" (16) is not understood',
  );
});

test('flex_olmo: the norms of OLMo 2, and experts', () => {
  const spec = specOf(config('flex_olmo'));
  expect(spec.experts).toEqual({
    ...{ count: 7, perToken: 5, normalized: false, stacked: false, module: 'mlp.experts' },
    ...{ inTurns: false, biased: false },
    auxLossCoef: 0.01,
  });
  expect(spec).toMatchObject({ norms: POST_NORMS, qkNorm: 'full', normEps: 1e-6 });
  expect(spec.ropes[0]!.theta).toBe(500_000);
  expect(specOf(config('flex_olmo', { norm_topk_prob: true })).experts!.normalized).toBe(true);
  expect(() => specOf(config('flex_olmo', { clip_qkv: 8 }))).toThrow('"clip_qkv" (8)');
});

test('granitemoe: the weights of experts always add up to one, and all are stored as one', () => {
  const spec = specOf(config('granitemoe', { num_local_experts: 4 }));
  expect(spec.experts).toEqual({
    ...{
      count: 4,
      perToken: 2,
      normalized: true,
      stacked: true,
      inTurns: false,
      biased: false,
      module: 'block_sparse_moe.experts',
    },
    auxLossCoef: 0.001,
  });
  expect(spec.names).toMatchObject({ mlp: 'block_sparse_moe', router: 'router.layer' });
  expect(() => specOf(config('granitemoe', { norm_topk_prob: true }))).toThrow('"norm_topk_prob"');
  expect(() => specOf(config('granitemoe', { mlp_bias: true }))).toThrow('"mlp_bias" is true');
});

test('granitemoehybrid: a shared MLP alone, where no layer is of Mamba', () => {
  const types = { layer_types: ['attention', 'full_attention'], num_local_experts: 0 };
  const of = (more: JsonRow) => specOf(config('granitemoehybrid', { ...types, ...more }));
  const spec = of({ shared_intermediate_size: 24, logits_scaling: 4 });
  expect(spec).toMatchObject({ intermediateSize: 24, experts: null, logitScale: 0.25 });
  expect(spec.attentionScale).toBe(1);
  const mlp = [...parameterShapes(spec)].filter(([name]) => name.includes('1.shared_mlp'));
  expect(Object.fromEntries(mlp)).toEqual({
    'model.layers.1.shared_mlp.input_linear.weight': [48, 32],
    'model.layers.1.shared_mlp.output_linear.weight': [32, 24],
  });
  expect(spec.layers).toEqual([attends(null, null), attends(null, null)]);
  const rope = { position_embedding_type: 'rope' };
  expect(of(rope).layers).toEqual([attends(null), attends(null)]);
  const mamba = '"layer_types" is "mamba", expected "attention" in each layer';
  expect(() => of({ layer_types: ['attention', 'mamba'] })).toThrow(mamba);
  expect(() => of({ layer_types: null })).toThrow('"layer_types" is missing, expected');
  const alias = (...kinds: string[]) => of({ layer_types: null, layers_block_type: kinds });
  expect(alias('attention', 'attention')).toEqual(of({}));
  expect(() => alias('attention', 'mamba')).toThrow('"layers_block_type" is "mamba"');
  expect(() => of({ layer_types: ['linear_attention', 'attention'] })).toThrow('Mamba');
  expect(() => of({ num_local_experts: 4 })).toThrow('"num_local_experts" is 4, expected 0');
  expect(() => of({ num_local_experts: undefined })).toThrow('"num_local_experts" is 8');
  expect(() => of({ normalization_function: 'layernorm' })).toThrow('is "layernorm"');
});

test('mixtral: names of its own, and experts whose probabilities are always divided by their sum', () => {
  const spec = specOf(config('mixtral'));
  expect(spec.experts).toEqual({
    ...{ count: 8, perToken: 2, normalized: true, stacked: false, module: 'mlp.experts' },
    ...{ inTurns: false, biased: false },
    auxLossCoef: 0.001,
  });
  expect(spec.layers).toEqual([attends(null), attends(null)]);
  expect(spec.ropes[0]!.theta).toBe(1_000_000);
  expect(specOf(config('mixtral', { sliding_window: 8 })).layers[1]).toEqual(attends(8));
  const module = 'model.layers.1.block_sparse_moe';
  const ofLayer = [...parameterShapes(spec)].filter(([name]) => name.startsWith(module));
  // A router over 8 experts, and each with three matrices.
  expect(ofLayer.length).toBe(25);
  expect(Object.fromEntries(ofLayer)).toMatchObject({
    [`${module}.gate.weight`]: [8, 32],
    [`${module}.experts.7.w1.weight`]: [40, 32],
    [`${module}.experts.7.w2.weight`]: [32, 40],
  });
  const jitter = { router_jitter_noise: 0.1 };
  expect(() => specOf(config('mixtral', jitter))).toThrow('"router_jitter_noise" is 0.1');
});

describe('gpt_oss', () => {
  const yarn = {
    ...{ rope_type: 'yarn', factor: 4, beta_fast: 32, beta_slow: 1 },
    ...{ original_max_position_embeddings: 16, truncate: false },
  };
  const of = (more: JsonRow = {}) => specOf(config('gpt_oss', { rope_scaling: yarn, ...more }));

  test('biases, sinks, every other layer with a window, experts in turns', () => {
    const spec = of();
    expect(spec.experts).toEqual({
      ...{ count: 128, perToken: 4, normalized: true, stacked: true, inTurns: true, biased: true },
      ...{ module: 'mlp.experts', auxLossCoef: 0.001 },
    });
    expect(spec).toMatchObject({
      layers: [attends(128), attends(null)],
      bias: { q: true, k: true, v: true, o: true, mlp: false },
      activation: 'clamped_silu',
      attentionSinks: true,
      normEps: 1e-5,
    });
    expect(spec.ropes[0]!.theta).toBe(150_000);
    const shapes = parameterShapes(of({ num_local_experts: 4 }));
    const mlp = 'model.layers.1.mlp';
    expect(Object.fromEntries(shapes)).toMatchObject({
      [`${mlp}.router.bias`]: [4],
      [`${mlp}.experts.3.gate_proj.bias`]: [40],
      [`${mlp}.experts.3.down_proj.bias`]: [32],
      'model.layers.1.self_attn.sinks': [4],
    });
    expect(of({ attention_bias: false }).bias).toMatchObject({ q: false, o: false });
    expect(of({ layer_types: ['full_attention', 'full_attention'] }).layers[0]).toEqual(
      attends(null),
    );
  });

  test.each<[JsonRow, string]>([
    [{ swiglu_limit: 6 }, '"swiglu_limit" is 6'],
    [
      { quantization_config: { quant_method: 'gptq' } },
      '"quantization_config.quant_method" is "gptq"',
    ],
    [{ swiglu_alpha: 1.5 }, '"swiglu_alpha" is 1.5'],
    [{ mlp_bias: true }, '"mlp_bias" is true'],
    [{ norm_topk_prob: true }, '"norm_topk_prob"'],
    [{ hidden_act: 'gelu' }, '"hidden_act" is "gelu"'],
    [{ rope_scaling: null }, '"rope_parameters" is missing'],
  ])('refuses %o', (more, message) => expect(() => of(more)).toThrow(message));
});
