/** Each trainer learns something within seconds, without a warning; `npm run test:learning` asks for more. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJson } from '../../src/util/files.js';
import { tinyRuns } from './tiny-runs.js';

const { dir, said, dpo, grpo, rowsOf } = tinyRuns({ steps: 36 });

/** A metric by step, of a run in which no alarm sounded. */
function column(name: string, key: string): number[] {
  expect(said.filter((line) => /warning/i.test(line))).toEqual([]);
  expect(readJson(join(dir, name, 'run.json'))).not.toHaveProperty('alarms');
  return rowsOf(name).map((row) => row[key] as number);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

test('sft: the loss falls below 2, from that of guessing', () => {
  const losses = column('start', 'loss');
  expect(losses[0]).toBeGreaterThan(5);
  expect(losses.at(-1)).toBeLessThan(2);
});

test('dpo: nearly every pair is told apart', async () => {
  await dpo('dpo', ['per_device_train_batch_size=20', 'max_steps=20', 'learning_rate=5e-3']);
  const accuracies = column('dpo', 'rewards/accuracies');
  expect(accuracies[0]).toBe(0);
  expect(mean(accuracies.slice(-3))).toBeGreaterThan(0.9);
});

test('grpo: the format is kept four times of five, not half the time', async () => {
  await grpo('grpo', [
    'rewards=[{name: format}]',
    'num_generations=8',
    'per_device_train_batch_size=64',
    'max_steps=45',
    'learning_rate=3e-3',
    'rollout_precision=int8',
  ]);
  const rewards = column('grpo', 'reward');
  expect(mean(rewards.slice(0, 3))).toBeLessThan(0.6);
  expect(mean(rewards.slice(-3))).toBeGreaterThan(0.8);
});
