/** Each trainer learns something within seconds, without a warning; `npm run test:learning` asks for more. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { dpoSchema, grpoSchema, loadConfig, sftSchema } from '../../src/config/index.js';
import type { RecipeContext } from '../../src/recipes/context.js';
import { runDpo } from '../../src/recipes/dpo.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { runSft } from '../../src/recipes/sft.js';
import { readJson, readJsonl } from '../../src/util/files.js';
import { SILENT } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, type TinyTraining, tinyTraining } from '../support/tiny-training.js';

let dir: string;
let tiny: TinyTraining;
const warnings: string[] = [];
const context: RecipeContext = {
  ...SILENT,
  log: (line) => {
    if (/warning/i.test(line)) warnings.push(line);
  },
};

beforeAll(async () => {
  dir = temporaryFolder();
  tiny = await tinyTraining(dir);
  const keys = [...keysOf('sft', tiny.base), ...FORMAT_KEYS, 'max_steps=36'];
  await runSft(loadConfig(sftSchema, { overrides: keys }), context);
}, 60_000);

const keysOf = (name: string, model: string) => [
  `model=${model}`,
  ...tiny.keys,
  'report_to=none',
  `output_dir=${join(dir, name)}`,
];

/** A metric by step, of a run in which no alarm sounded. */
function column(name: string, key: string): number[] {
  expect(warnings).toEqual([]);
  expect(readJson(join(dir, name, 'run.json'))).not.toHaveProperty('alarms');
  return readJsonl(join(dir, name, 'metrics.jsonl')).map((row) => row[key] as number);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

test('sft: the loss falls below 2, from that of guessing', () => {
  const losses = column('sft', 'loss');
  expect(losses[0]).toBeGreaterThan(5);
  expect(losses.at(-1)).toBeLessThan(2);
});

test('dpo: nearly every pair is told apart', async () => {
  const keys = [`dataset.path=${tiny.pairs}`, 'per_device_train_batch_size=20', 'max_steps=20'];
  const overrides = [...keysOf('dpo', join(dir, 'sft')), ...keys, 'learning_rate=5e-3'];
  await runDpo(loadConfig(dpoSchema, { overrides }), context);
  const accuracies = column('dpo', 'rewards/accuracies');
  expect(accuracies[0]).toBe(0);
  expect(mean(accuracies.slice(-3))).toBeGreaterThan(0.9);
});

test('grpo: the format is kept four times of five, not half the time', async () => {
  const overrides = [
    ...keysOf('grpo', join(dir, 'sft')),
    'rewards=[{name: format}]',
    'num_generations=8',
    'max_completion_length=16',
    'per_device_train_batch_size=64',
    'max_steps=45',
    'learning_rate=3e-3',
    'rollout_precision=int8',
  ];
  await runGrpo(loadConfig(grpoSchema, { overrides }), context);
  const rewards = column('grpo', 'reward');
  expect(mean(rewards.slice(0, 3))).toBeLessThan(0.6);
  expect(mean(rewards.slice(-3))).toBeGreaterThan(0.8);
});
