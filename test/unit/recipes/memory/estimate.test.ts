/** What is planned for adapters that samplers hold. */
import { expect, test } from 'vitest';
import { planLora } from '../../../../src/model/index.js';
import { sampledCount, trainedCount } from '../../../../src/recipes/memory/estimate.js';
import { loraConfig } from '../../../../src/weights/index.js';
import { goldenCase } from '../../../support/golden-models.js';

test('ranks of experts are padded to blocks, each by its own', () => {
  const { spec } = goldenCase('qwen3_moe');
  const plan = (r: number, rankPattern = {}) =>
    planLora(
      spec,
      loraConfig({
        ...{ r, loraAlpha: 8, targetModules: [], rankPattern },
        targetParameters: ['gate_up_proj', 'down_proj'],
      }),
    );
  const narrow = plan(64, { 'experts.gate_up_proj': 1, 'experts.down_proj': 1 });
  const block = plan(32);
  expect(trainedCount(spec, narrow)).toBe(trainedCount(spec, block) / 32);
  expect(sampledCount(spec, narrow)).toBe(trainedCount(spec, block));
  expect(sampledCount(spec, block)).toBe(trainedCount(spec, block));
});
