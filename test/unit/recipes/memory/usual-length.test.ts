import { expect, test } from 'vitest';
import { usualLength } from '../../../../src/recipes/memory/estimate.js';

const sequences = [100, 200, 600].map((length) => ({ ids: Array.from({ length }, () => 1) }));
const config = { per_device_train_batch_size: 8, max_length: 1024, max_completion_length: 256 };

test.each([
  ['sft', {}, 300],
  ['sft', { packing: true }, 1024],
  ['dpo', {}, 300],
  ['grpo', {}, 300 + 256],
] as const)('tokens of a usual sequence of %s, %j', (command, keys, expected) => {
  expect(usualLength(command, { ...config, ...keys }, sequences)).toBe(expected);
});
