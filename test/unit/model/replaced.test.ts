import { describe, expect, test } from 'vitest';
import { planLora } from '../../../src/model/index.js';
import { untied } from '../../../src/model/replaced.js';
import { EMBEDDING, LM_HEAD } from '../../../src/model/spec-modules.js';
import { type LoraConfig, loraConfig } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';

const { spec } = goldenCase('qwen2');

const replacedBy = (fields: Partial<LoraConfig>): string[] => [
  ...planLora(spec, loraConfig({ r: 1, loraAlpha: 1, targetModules: ['q_proj'], ...fields }))
    .replaced,
];

describe('which base parameters are trained', () => {
  test('biases: all, or those of modules with LoRA', () => {
    const biases = (...modules: string[]) =>
      [0, 1].flatMap((layer) =>
        modules.map((module) => `model.layers.${layer}.self_attn.${module}.bias`),
      );
    expect(replacedBy({ bias: 'all' })).toEqual(biases('q_proj', 'k_proj', 'v_proj'));
    expect(replacedBy({ bias: 'lora_only' })).toEqual(biases('q_proj'));
    expect(replacedBy({})).toEqual([]);
  });

  test('of a gated delta rule the convolution, and no bias: to PEFT `dt_bias` is none', () => {
    const { spec: delta } = goldenCase('qwen3_5');
    const of = (fields: Partial<LoraConfig>) => {
      const standard = { r: 1, loraAlpha: 1, targetModules: 'all-linear' };
      return [...planLora(delta, loraConfig({ ...standard, ...fields })).replaced];
    };
    expect(of({ bias: 'all' })).toEqual([]);
    expect(of({ modulesToSave: ['0.linear_attn.conv1d'] })).toEqual([
      'model.layers.0.linear_attn.conv1d.weight',
    ]);
    expect(() => of({ modulesToSave: ['linear_attn'] })).toThrow('names a block of modules');
  });

  test('of experts nothing, but their router', () => {
    const of = (modulesToSave: string[], name = 'olmoe') => {
      const standard = { r: 1, loraAlpha: 1, targetModules: 'all-linear' };
      const { spec: moe } = goldenCase(name);
      return [...planLora(moe, loraConfig({ ...standard, modulesToSave })).replaced];
    };
    // PEFT calls them router.weight and mlp.gate.
    expect(() => of(['router.layer'], 'granitemoe')).toThrow('names no module of the model');
    expect(() => of(['block_sparse_moe.gate'], 'mixtral')).toThrow('names no module of the model');
    expect(of(['1.mlp.gate'])).toEqual(['model.layers.1.mlp.gate.weight']);
    expect(of(['1.mlp.router'], 'gpt_oss')).toEqual([
      'model.layers.1.mlp.router.weight',
      'model.layers.1.mlp.router.bias',
    ]);
    expect(() => of(['down_proj'])).toThrow('"down_proj" names no module of the model');
  });

  test('modules to save, by the ends of their names', () => {
    expect(replacedBy({ modulesToSave: ['lm_head'] })).toEqual([LM_HEAD]);
    expect(replacedBy({ modulesToSave: ['1.input_layernorm', 'model.norm'] })).toEqual([
      'model.layers.1.input_layernorm.weight',
      'model.norm.weight',
    ]);
    expect(replacedBy({ modulesToSave: ['0.self_attn.v_proj'] })).toEqual([
      'model.layers.0.self_attn.v_proj.weight',
      'model.layers.0.self_attn.v_proj.bias',
    ]);
  });

  test('names of nothing and of blocks are refused', () => {
    expect(() => replacedBy({ modulesToSave: ['head.'] })).toThrow(
      /modules_to_save: "head\." names no module of the model\. Name modules .*lm_head/,
    );
    expect(() => replacedBy({ modulesToSave: ['mlp'] })).toThrow(/"mlp" names a block of modules/);
  });

  test('a module that is saved gets no LoRA', () => {
    const config = { targetModules: 'all-linear', modulesToSave: ['down_proj'] };
    const { targets } = planLora(spec, loraConfig({ r: 1, loraAlpha: 1, ...config }));
    expect([...targets.keys()].filter((module) => module.endsWith('down_proj'))).toEqual([]);
    expect(targets.size).toBe(12);
  });
});

test('a tied head comes apart when one side is replaced', () => {
  const base = { spec, weights: goldenWeights('qwen2', spec) };
  const apart = untied(base, { replaced: new Set([LM_HEAD]) });
  expect(apart.spec.tieWordEmbeddings).toBe(false);
  expect(apart.weights(LM_HEAD)).toEqual(base.weights(EMBEDDING));
  expect(untied(base, { replaced: new Set(['model.norm.weight']) }).spec).toBe(spec);
});
