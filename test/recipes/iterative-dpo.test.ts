/** Two rounds of rollouts, pairs and DPO by the pipeline file, on a tiny model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, tinyTraining } from '../support/tiny-training.js';
import { call } from './command-line.js';

const dir = temporaryFolder();
const { at, json, jsonl } = filesIn(join(dir, 'out', 'iterative-dpo'));
/** So many that some prompts have right and wrong answers: the tiny model is right now and then. */
const GENERATIONS = 16;
const stages = ['rollouts_1', 'dpo_1', 'eval_1', 'rollouts_2', 'dpo_2', 'eval_2'];

async function lorikeet(...argv: string[]): Promise<string> {
  const { code, out, err } = await call(argv, { OUTPUT_DIR: join(dir, 'out') });
  expect(code, err.join('\n')).toBe(0);
  return out;
}

const { base, rows, keys } = tinyTraining(dir);

beforeAll(async () => {
  const model = join(dir, 'start');
  await lorikeet(
    'sft',
    ...keys,
    ...FORMAT_KEYS,
    `model=${base}`,
    'max_steps=36',
    `output_dir=${model}`,
  );
  const tags = keys.filter((key) => /^(reasoning|solution)_/.test(key));
  const words = stages.flatMap((stage) => tags.map((tag) => `stages.${stage}.${tag}`));
  // Few pairs: smaller batches give several steps, and a rate above 0 in the first.
  const steps = ['dpo_1', 'dpo_2'].flatMap((stage) => [
    `stages.${stage}.per_device_train_batch_size=4`,
    `stages.${stage}.warmup_steps=0`,
  ]);
  const files = [`vars.model=${model}`, `vars.prompts=${rows}`, `vars.test=${rows}`];
  const vars = [...files, `vars.num_generations=${GENERATIONS}`];
  await lorikeet('run', 'configs/quickstart/iterative-dpo.yaml', ...vars, ...words, ...steps);
}, 300_000);

const hashOf = (stage: string) =>
  sha256(readFileSync(at(stage, 'model', 'adapter_model.safetensors')));
const firstValue = (stage: string, key: string) => jsonl(stage, 'metrics.jsonl')[0]![key];

test('each round learns from answers of the model that it begins with', () => {
  const adapters = [1, 2].map((round) => {
    const rows = jsonl(`rollouts_${round}.jsonl`);
    expect(rows).toHaveLength(40 * GENERATIONS);
    return new Set(rows.map(({ adapter }) => adapter ?? null));
  });
  expect(adapters[0]).toEqual(new Set([null]));
  expect(adapters[1]!.size).toBe(1);
  expect(adapters[1]).not.toEqual(adapters[0]);
  for (const round of [1, 2]) {
    const rewards = jsonl(`pairs_${round}.jsonl`);
    expect(rewards.length).toBeGreaterThan(4);
  }
});

test('the reference of a round is the model that it begins with', () => {
  // Without a difference between policy and reference the loss is ln 2, up to the rounding of bfloat16.
  for (const stage of ['dpo_1', 'dpo_2']) {
    expect(firstValue(stage, 'loss')).toBeCloseTo(Math.LN2, 2);
    expect(firstValue(stage, 'rewards/margins')).toBeCloseTo(0, 2);
  }
  const { config } = json('dpo_2', 'run.json') as { config: { model: string } };
  expect(config.model).toBe(at('dpo_1'));
  expect(hashOf('dpo_2')).not.toBe(hashOf('dpo_1'));
});
