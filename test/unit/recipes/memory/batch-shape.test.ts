import { expect, test } from 'vitest';
import { batchShape, tokensOf, usualLength } from '../../../../src/recipes/memory/batch-shape.js';

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
  ['grpo', { mask_truncated_completions: true }, 8, 512 + 256],
] as const)('sequences of a micro-batch of %s, %j', (command, keys, rows, longest) => {
  expect(batchShape(command, { ...config, ...keys })).toEqual({ rows, longest });
});

test('of GRPO with its prompts once', () => {
  const grpo = { ...config, num_generations: 4 };
  expect(batchShape('grpo', grpo)).toEqual({
    rows: 8,
    longest: 512 + 256,
    shared: { length: 512, generations: 4 },
  });
});

test.each([
  // Whole groups, parts of one, and parts of several.
  [8, 4, 2],
  [2, 4, 1],
  [3, 4, 2],
  [6, 4, 2],
  [7, 4, 3],
  [1, 4, 1],
  [8, 16, 1],
  [12, 8, 2],
])('%i completions in groups of %i have at most %i prompts', (rows, generations, prompts) => {
  const shape = { rows, longest: 100, shared: { length: 60, generations } };
  expect(tokensOf(shape, rows)).toEqual({
    tokens: rows * 40 + prompts * 60,
    predicted: rows * 40,
  });
  // The groups of each micro-batch, completion by completion.
  const spans = Array.from({ length: generations }, (_, i) => {
    const groups = Array.from({ length: rows }, (_, k) => Math.floor((i * rows + k) / generations));
    return new Set(groups).size;
  });
  expect(Math.max(...spans)).toBe(prompts);
});
