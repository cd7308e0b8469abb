/** The micro-batch that each trainer's memory plan counts, and the tokens in it. */
import { expect, test } from 'vitest';
import { dpoSchema, grpoSchema, sftSchema } from '../../../../src/config/index.js';
import { dpoSize } from '../../../../src/recipes/dpo/memory.js';
import { grpoSize } from '../../../../src/recipes/grpo/memory.js';
import { tokensOf } from '../../../../src/recipes/memory/batch-shape.js';
import { sftSize } from '../../../../src/recipes/sft/memory.js';

const common = { model: 'm', dataset: { path: 'd' }, per_device_train_batch_size: 8 };
const sft = sftSchema.parse(common);
const grpo = grpoSchema.parse({
  ...common,
  rewards: [{ name: 'numeric' }],
  max_completion_length: 256,
  num_generations: 4,
  steps_per_generation: 2,
});

test('a sequence of sft and of dpo has its own tokens, a pack is full', () => {
  expect(sftSize.usualLength?.(sft, 300)).toBe(300);
  expect(sftSize.usualLength?.({ ...sft, packing: true }, 300)).toBe(1024);
  expect(dpoSize.usualLength).toBeUndefined();
});

test('one of grpo counts its completion as if it had its full length', () => {
  expect(grpoSize.usualLength?.(grpo, 300)).toBe(300 + 256);
});

test.each([
  ['sigmoid', 16],
  [['sigmoid', 'sft'], 16],
  ['kto', 8],
  [['apo_zero_unpaired'], 8],
])('of dpo with %j there are %i sequences in a micro-batch', (loss_type, rows) => {
  const config = dpoSchema.parse({ ...common, loss_type });
  expect(dpoSize.shape(config)).toEqual({ rows, longest: 1024 });
});

test.each([
  ['sigmoid', true],
  [['simpo', 'sigmoid'], true],
  [['simpo', 'sft'], false],
  ['orpo', false],
  ['kto', true],
])('dpo with %j compares with a reference: %s', (loss_type, expected) => {
  const config = dpoSchema.parse({ ...common, loss_type });
  expect(dpoSize.comparesWithReference(config)).toBe(expected);
});

test('of sft one sequence is one row', () => {
  expect(sftSize.shape(sft)).toEqual({ rows: 8, longest: 1024 });
});

test('of grpo with its prompts once, where none of a group is masked by itself', () => {
  const whole = { rows: 8, longest: 512 + 256 };
  const shared = { length: 512, generations: 4 };
  expect(grpoSize.shape(grpo)).toEqual({ ...whole, shared });
  expect(grpoSize.shape({ ...grpo, mask_truncated_completions: true })).toEqual(whole);
  expect(grpoSize.rollouts?.(grpo)).toMatchObject({ rows: 16, context: 512 + 256 });
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
  expect(tokensOf(shape, rows)).toEqual({ tokens: rows * 40 + prompts * 60, predicted: rows * 40 });
  // The groups of each micro-batch, completion by completion.
  const spans = Array.from({ length: generations }, (_, i) => {
    const groups = Array.from({ length: rows }, (_, k) => Math.floor((i * rows + k) / generations));
    return new Set(groups).size;
  });
  expect(Math.max(...spans)).toBe(prompts);
});
