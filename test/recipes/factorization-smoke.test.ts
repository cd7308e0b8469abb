/**
 * The factorization system by one command, with small counts: its files under their names, what is in them,
 * that a second call does nothing, and that a new run stands beside the first.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isFactorization } from '../../src/data/factorization/index.js';
import { type JsonRow, readJson, readJsonl } from '../../src/util/files.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, type Outcome } from './command-line.js';

const root = temporaryFolder();

const SIZES = ['tier0_samples=20', 'tier1_samples=40', 'sft_steps=3', 'rft_steps=2'];
const WORDS = [
  ...['run', 'configs/factorization/smoke.yaml', `root=${root}`],
  ...SIZES.map((size) => `vars.${size}`),
  'stages.rft.max_completion_length=24',
  'stages.rft.eval_steps=1',
  'stages.rft.eval.max_new_tokens=24',
  'stages.sft_evaluation.max_new_tokens=24',
  'stages.evaluation.max_new_tokens=24',
  'stages.rft.per_device_train_batch_size=16',
  'stages.rft.logging_steps=1',
];
const runs = () => readdirSync(root).filter((name) => name.startsWith('run_'));
const STAGES = 11;

describe('configs/factorization/smoke.yaml', () => {
  let first: Outcome;
  let run = '';
  const at = (...names: string[]) => join(run, ...names);
  const json = (...names: string[]) => readJson(at(...names)) as JsonRow;

  beforeAll(async () => {
    first = await call(WORDS);
    run = join(root, runs()[0] ?? '');
  }, 300_000);

  it('runs every stage, in a dated folder', () => {
    expect(first.code, first.err.join('\n')).toBe(0);
    expect(runs()).toEqual([expect.stringMatching(/^run_\d{8}_\d{6}$/)]);
    const { stages, targets } = JSON.parse(first.out) as JsonRow;
    expect(stages).toEqual({ done: STAGES });
    expect(Object.values(targets as JsonRow).reduce((a, b) => Number(a) + Number(b))).toBe(5);
    for (const name of ['data', 'models', 'results', 'pipeline.json', 'report.html']) {
      expect(existsSync(at(name)), name).toBe(true);
    }
  });

  it('writes tiers, puts them together, and copies them into the run', () => {
    const rows = (...names: string[]) => readJsonl(join(root, ...names));
    for (const split of ['train', 'valid', 'test']) {
      const both = [...rows('tier0', `${split}.jsonl`), ...rows('tier1', `${split}.jsonl`)];
      expect(rows('combined', `${split}.jsonl`)).toEqual(both);
      expect(readJsonl(at('data', `${split}.jsonl`))).toEqual(both);
    }
    const all = readJsonl(at('data', 'factorization_dataset.jsonl'));
    expect(all).toHaveLength(60);
    for (const { number, factors } of all) {
      expect(isFactorization(number as number, factors as number[])).toBe(true);
    }
    const digits = (tier: number) => ({ 0: 20, 1: 40 })[tier];
    expect(json('data', 'dataset_stats.json')).toMatchObject({
      rows: 60,
      tiers: { 0: digits(0), 1: digits(1) },
    });
  });

  it('says how the job went, with its last ten events or fewer', () => {
    const status = json('results', 'job_status.json');
    expect(status).toMatchObject({
      object: 'fine_tuning.job',
      status: 'succeeded',
      suffix: 'factorization-expert',
      model: at('models', 'sft'),
      fine_tuned_model: at('models', 'factorization-expert', 'model'),
      training_file: at('data', 'train.jsonl'),
      validation_file: at('data', 'valid.jsonl'),
      trained_steps: 2,
    });
    const { train_reward_mean: train, valid_reward_mean: valid } = status.metrics as JsonRow;
    expect(train).toBeGreaterThanOrEqual(0);
    expect(valid).toBeGreaterThanOrEqual(0);
    const events = status.events as JsonRow[];
    expect(events.map(({ message }) => String(message).split(':')[0])).toEqual([
      ...['Job succeeded', 'Step 2', 'Step 1', 'Job started'],
    ]);
    const times = events.map(({ created_at: at }) => Number(at));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(readdirSync(String(status.fine_tuned_model))).toContain('adapter_model.safetensors');
  });

  it('evaluates the parts of the grade on the held-out numbers', () => {
    const results = json('results', 'evaluation_results.json');
    const tests = readJsonl(at('data', 'test.jsonl'));
    const examples = results.examples as JsonRow[];
    expect(examples.map(({ gold }) => gold).sort()).toEqual(
      tests.map(({ factors }) => `[${(factors as number[]).join(', ')}]`).sort(),
    );
    const mean = (of: (example: JsonRow) => unknown) =>
      examples.reduce((sum, example) => sum + Number(of(example)), 0) / examples.length;
    const parts = results.parts as JsonRow;
    for (const name of ['correctness', 'algorithm', 'reasoning', 'efficiency']) {
      expect(parts[name]).toBeCloseTo(
        mean(({ parts: own }) => (own as JsonRow)[name]),
        12,
      );
    }
    const { metrics } = results as { metrics: JsonRow };
    expect(metrics.mean_reward).toBeCloseTo(
      mean(({ reward }) => reward),
      12,
    );
    expect(metrics.accuracy).toBe(parts.correctness);
    expect(existsSync(at('results', 'comparison.csv'))).toBe(true);
  });

  it('does nothing the second time, and a new run beside it on demand', async () => {
    const again = await call(WORDS);
    expect(JSON.parse(again.out)).toMatchObject({ stages: { skipped: STAGES } });
    const other = await call([...WORDS, 'run_folder=new', '--dry-run', '--json']);
    const { config, plan } = JSON.parse(other.out) as { config: JsonRow; plan: string[] };
    expect(config.root).not.toBe(run);
    expect(plan.every((line) => line.includes(': run (new)'))).toBe(true);
  });
});
