import { describe, expect, it } from 'vitest';
import { checkSampledModel } from '../../../../src/rollout/index.js';
import { goldenCase } from '../../../support/golden-models.js';

/** Golden decoders are small: heads of a size that rollouts take. */
const sampled = (name: string) => {
  const { spec } = goldenCase(name);
  return { ...spec, headDim: 16, ropes: spec.ropes.map((rope) => ({ ...rope, rotaryDim: 16 })) };
};

describe.each(['webgpu', 'cuda'] as const)('%s', (device) => {
  it.each([
    ['qwen3_5', 'layers with a gated delta rule'],
    ['mixtral', 'experts'],
    ['hunyuan_v1_dense', 'norms after the rotation'],
  ])('refuses %s', (name, what) => {
    expect(() => checkSampledModel(sampled(name), { device })).toThrow(
      `rollout device ${device}: the model has ${what}, which rollouts compute on the CPU only`,
    );
    expect(() => checkSampledModel(sampled(name), { device: 'cpu' })).not.toThrow();
  });

  it('takes norms before the rotation', () => {
    expect(() => checkSampledModel(sampled('qwen3'), { device })).not.toThrow();
  });
});

describe('StableLM 3B, which rotates a quarter of heads of 80', () => {
  const { spec } = goldenCase('stablelm');
  const quarter = { ...spec, headDim: 80, ropes: [{ ...spec.ropes[0]!, rotaryDim: 20 }] };

  it("is sampled by our own operators, and refused by ONNX Runtime's", () => {
    const cpu = { device: 'cpu' } as const;
    expect(() => checkSampledModel(quarter, { ...cpu, kernels: {} })).not.toThrow();
    expect(() => checkSampledModel(quarter, cpu)).toThrow(
      "the model rotates 20 of each head's 80 numbers, which ONNX Runtime's operators do in multiples of 16 only. Run lorikeet setup and use rollout_device=cpu",
    );
  });

  it('needs heads in multiples of 16 in either case', () => {
    const narrow = { ...quarter, headDim: 24 };
    expect(() => checkSampledModel(narrow, { device: 'cpu', kernels: {} })).toThrow(
      'head size is 24, not a multiple of 16',
    );
  });
});
