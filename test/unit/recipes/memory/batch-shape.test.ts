import { expect, test } from 'vitest';
import { batchShape, usualLength } from '../../../../src/recipes/memory/estimate.js';

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

test.each([
  ['sft', {}, 8, 1024],
  ['dpo', { loss_type: 'sigmoid' }, 16, 1024],
  ['dpo', { loss_type: ['sigmoid', 'sft'] }, 16, 1024],
  ['dpo', { loss_type: 'kto' }, 8, 1024],
  ['dpo', { loss_type: ['apo_zero_unpaired'] }, 8, 1024],
  ['grpo', {}, 8, 512 + 256],
] as const)('sequences of a micro-batch of %s, %j', (command, keys, rows, longest) => {
  expect(batchShape(command, { ...config, ...keys })).toEqual({ rows, longest });
});
