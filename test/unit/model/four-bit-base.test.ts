import { expect, test } from 'vitest';
import { fourBitBase } from '../../../src/model/index.js';
import { fourBitTensor } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';

const LINEAR = 'model.layers.0.mlp.up_proj.weight';
const NORM = 'model.layers.0.input_layernorm.weight';
const quantization = { type: 'nf4', isNested: true } as const;

test('what is read a second time is put into 4 bits no more', () => {
  const { spec } = goldenCase('llama');
  const weights = goldenWeights('llama', spec);
  const read: string[] = [];
  const reading = (name: string) => {
    read.push(name);
    return weights(name);
  };
  const base = fourBitBase(spec, reading, quantization);
  const expected = fourBitTensor(weights(LINEAR), quantization);
  const [first, second, third] = [base(LINEAR), base(LINEAR), base(LINEAR)];
  expect(read).toEqual([LINEAR, LINEAR]);
  expect(third).toBe(second);
  expect(first).not.toBe(second);
  for (const { fourBit, bytes } of [first, second]) {
    expect([fourBit, bytes]).toEqual([expected.fourBit, expected.bytes]);
  }
  expect([base(NORM).bytes, base(NORM).fourBit]).toEqual([weights(NORM).bytes, undefined]);
});

test('experts are put into 4 bits too, their router is not', () => {
  const { spec } = goldenCase('qwen3_moe');
  const weights = goldenWeights('qwen3_moe', spec);
  const base = fourBitBase(spec, weights, quantization);
  const [expert, router] = ['experts.1.down_proj', 'gate'].map(
    (name) => `model.layers.0.mlp.${name}.weight`,
  ) as [string, string];
  expect(base(expert).fourBit).toEqual(fourBitTensor(weights(expert), quantization).fourBit);
  expect(base(router).fourBit).toBeUndefined();
});
