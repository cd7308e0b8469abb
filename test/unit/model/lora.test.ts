import { expect, test } from 'vitest';
import {
  adapterFromLora,
  type LoraPlan,
  loraFromAdapter,
  NO_LORA,
  planLora,
  startLora,
} from '../../../src/model/index.js';
import { type LoraConfig, loraConfig, toFloat32 } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';

const { spec } = goldenCase('phi3');
const weights = goldenWeights('phi3', spec);
const initialLora = (of: LoraPlan, seed: number) => startLora(of, { spec, weights, seed }).values;
const plan = planLora(
  spec,
  loraConfig({ r: 4, loraAlpha: 8, targetModules: ['qkv_proj', 'down_proj'] }),
);

test('A is [r, in], B is [out, r], in layer order', () => {
  const attention = (layer: number) => `model.layers.${layer}.self_attn.qkv_proj`;
  const mlp = (layer: number) => `model.layers.${layer}.mlp.down_proj`;
  expect(plan.shapes).toEqual(
    [0, 1].flatMap((layer) => [
      { name: `${attention(layer)}.lora_A.weight`, shape: [4, 32] },
      { name: `${attention(layer)}.lora_B.weight`, shape: [64, 4] },
      { name: `${mlp(layer)}.lora_A.weight`, shape: [4, 40] },
      { name: `${mlp(layer)}.lora_B.weight`, shape: [32, 4] },
    ]),
  );
  expect([...plan.targets.values()].map(({ scale }) => scale)).toEqual([2, 2, 2, 2]);
});

test('A starts uniform within 1/√in, B at zero', () => {
  const values = initialLora(plan, 1);
  for (const [i, { name, shape }] of plan.shapes.entries()) {
    const largest = Math.max(...values[i]!.map(Math.abs));
    if (name.endsWith('lora_B.weight')) expect(largest).toBe(0);
    else {
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(shape[1]!));
      expect(largest).toBeGreaterThan(0.9 / Math.sqrt(shape[1]!));
    }
  }
  expect(initialLora(plan, 1)).toEqual(values);
  expect(initialLora(plan, 2)[0]).not.toEqual(values[0]);
});

test('gaussian A has the deviation 1/r', () => {
  const config = loraConfig({
    r: 8,
    loraAlpha: 8,
    targetModules: 'all-linear',
    initLoraWeights: 'gaussian',
  });
  const gaussian = planLora(spec, config);
  const all = initialLora(gaussian, 1).filter((_, i) => i % 2 === 0);
  const flat = all.flatMap((part) => [...part]);
  const deviation = Math.sqrt(flat.reduce((sum, value) => sum + value ** 2, 0) / flat.length);
  // 2,176 samples: relative error about 1/√4352 = 1.5 %.
  expect(Math.abs(deviation * 8 - 1)).toBeLessThan(0.06);
});

test('gaussian A of experts has the deviation of the rank of each', () => {
  const { spec: own } = goldenCase('qwen3_moe');
  const config = loraConfig({
    ...{ r: 8, loraAlpha: 8, targetModules: [], targetParameters: ['gate_up_proj'] },
    initLoraWeights: 'gaussian',
  });
  const experts = planLora(own, config);
  expect(experts.shapes.map(({ shape }) => shape)).toEqual([
    ...[
      [6 * 8, 16],
      [24, 6 * 8],
    ],
    ...[
      [6 * 8, 16],
      [24, 6 * 8],
    ],
  ]);
  const start = { spec: own, weights: goldenWeights('qwen3_moe', own), seed: 1 };
  const [first, , second] = startLora(experts, start).values;
  const flat = [...first!, ...second!];
  const deviation = Math.sqrt(flat.reduce((sum, value) => sum + value ** 2, 0) / flat.length);
  // 1,536 samples: relative error about 1/√3072 = 1.8 %.
  expect(Math.abs(deviation * 8 - 1)).toBeLessThan(0.07);
});

test('biases of experts are not trained beside LoRA', () => {
  const { spec: own } = goldenCase('gpt_oss');
  const of = (fields: Partial<LoraConfig>) =>
    planLora(
      own,
      loraConfig({ ...{ r: 1, loraAlpha: 1, targetModules: 'all-linear' }, ...fields }),
    );
  expect(() => of({ bias: 'all' })).toThrow('"all" names the biases of experts too');
  expect([...of({ bias: 'lora_only' }).replaced].slice(0, 4)).toEqual(
    ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((m) => `model.layers.0.self_attn.${m}.bias`),
  );
});

test('matrices go into an adapter and come back', () => {
  const values = plan.shapes.map(({ shape }, k) =>
    Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => k + i / 1024),
  );
  const named = new Map(plan.shapes.map(({ name }, i) => [name, values[i]!]));
  const adapter = adapterFromLora(plan, named, 'base');
  expect(adapter.baseModel).toBe('base');
  const first = adapter.tensors.get('model.layers.0.self_attn.qkv_proj')!;
  expect([first.a.shape, first.b.shape, first.scale]).toEqual([[4, 32], [64, 4], 2]);
  expect(toFloat32(first.b)).toEqual(values[1]);
  expect(loraFromAdapter(plan, adapter)).toEqual(values);
});

test('without LoRA nothing is trained', () => {
  expect(initialLora(NO_LORA, 1)).toEqual([]);
});

test('beside experts all-linear is attention, and neither they nor their router can be named', () => {
  const { spec: olmoe } = goldenCase('olmoe');
  const of = (targetModules: string | string[]) => {
    const { targets } = planLora(olmoe, loraConfig({ r: 1, loraAlpha: 1, targetModules }));
    return [...targets.keys()];
  };
  const modules = [0, 1].flatMap((layer) =>
    ['q', 'k', 'v', 'o'].map((kind) => `model.layers.${layer}.self_attn.${kind}_proj`),
  );
  expect(of('all-linear')).toEqual(modules);
  expect(of('.*_proj')).toEqual(modules);
  for (const name of ['down_proj', 'mlp.gate', 'experts.0.up_proj']) {
    expect(() => of(['q_proj', name])).toThrow(
      `target_modules: "${name}" names experts or their router, which are no linear modules to PEFT. Name gate_up_proj or down_proj in target_parameters for experts; else use all-linear, or names among k_proj, o_proj, q_proj, v_proj`,
    );
  }
});
