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
    expect(() => checkSampledModel(sampled(name), device)).toThrow(
      `rollout device ${device}: the model has ${what}, which rollouts compute on the CPU only`,
    );
    expect(() => checkSampledModel(sampled(name), 'cpu')).not.toThrow();
  });

  it('takes norms before the rotation', () => {
    expect(() => checkSampledModel(sampled('qwen3'), device)).not.toThrow();
  });
});
