/** A GRPO run whose sampler misses an update stops with a guard error, whatever hash the sampler claims. */
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { grpoSchema, loadConfig, sftSchema } from '../../src/config/index.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { runSft } from '../../src/recipes/sft.js';
import type { RolloutSampler } from '../../src/rollout/index.js';
import { GuardError } from '../../src/util/errors.js';
import { readJson, readJsonl } from '../../src/util/files.js';
import { type Adapter, adapterHash } from '../../src/weights/index.js';
import { SILENT } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, tinyTraining } from '../support/tiny-training.js';

/** How samplers behave after their first sync, and how many are open. */
const sampler = vi.hoisted(() => ({ after: 'synced' as 'synced' | 'stale' | 'forged', open: 0 }));

vi.mock(import('../../src/recipes/sampling/open-sampler.js'), async (original) => {
  const actual = await original();
  return {
    ...actual,
    openSampler: async (...args) => withLostSyncs(await actual.openSampler(...args)),
  };
});

/** Keeps the first adapter; `forged` also answers with the hash of the one it should have. */
function withLostSyncs(real: RolloutSampler): RolloutSampler {
  let claimed: Adapter | null = null;
  let syncs = 0;
  sampler.open += 1;
  return {
    generate: real.generate.bind(real),
    score: real.score.bind(real),
    reloadWeights: real.reloadWeights.bind(real),
    dispose: () => {
      sampler.open -= 1;
      real.dispose();
    },
    setAdapter(adapter) {
      claimed = adapter;
      const isLost = syncs++ > 0 && sampler.after !== 'synced';
      return isLost ? { hash: adapterHash(adapter!), syncMs: 0 } : real.setAdapter(adapter);
    },
    get adapterHash() {
      return sampler.after === 'forged' && claimed !== null
        ? adapterHash(claimed)
        : real.adapterHash;
    },
  };
}

const folder = temporaryFolder();
const tiny = tinyTraining(folder);

beforeAll(async () => {
  const run = [`model=${tiny.base}`, `output_dir=${join(folder, 'sft')}`, 'max_steps=36'];
  const overrides = [...tiny.keys, ...FORMAT_KEYS, ...run];
  await runSft(loadConfig(sftSchema, { overrides }), SILENT);
});

async function grpo(runDir: string, further: readonly string[] = []): Promise<void> {
  const keys = [
    'rollout_precision=float32',
    'num_generations=4',
    'max_completion_length=16',
    'learning_rate=5e-3',
    'per_device_train_batch_size=32',
  ];
  const run = [`model=${join(folder, 'sft')}`, `output_dir=${runDir}`, 'max_steps=4'];
  await runGrpo(
    loadConfig(grpoSchema, { overrides: [...tiny.keys, ...run, ...keys, ...further] }),
    SILENT,
  );
}

test('a sampler that gets every update', async () => {
  sampler.after = 'synced';
  const runDir = join(folder, 'synced');
  await grpo(runDir);
  const rows = readJsonl(join(runDir, 'metrics.jsonl'));
  expect(rows).toHaveLength(4);
  for (const row of rows) expect(row['probe/max_logprob_difference']).toBeLessThan(1e-4);
  const adapters = readJsonl(join(runDir, 'samples.jsonl')).map(({ adapter }) => adapter);
  expect(new Set(adapters).size).toBeGreaterThan(1);
});

test.each([['top_p=0.9'], ['top_k=5', 'temperature=0.8'], ['min_p=0.1', 'repetition_penalty=1.1']])(
  'filters leave the weights of tokens at 1: %s',
  async (...filters) => {
    sampler.after = 'synced';
    const runDir = join(folder, filters.join());
    await grpo(runDir, filters);
    const rows = readJsonl(join(runDir, 'metrics.jsonl'));
    expect(rows).toHaveLength(4);
    const name = 'sampling/importance_sampling_ratio';
    for (const row of rows) {
      expect(row[`${name}/min`]).toBeGreaterThan(0.999);
      expect(row[`${name}/max`]).toBeLessThan(1.001);
      expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-3);
      // What was drawn from is another distribution all the same.
      expect(row['sampling/truncation_gap/mean']).toBeGreaterThan(0.005);
    }
    expect(Math.max(...rows.map(({ grad_norm: norm }) => norm as number))).toBeGreaterThan(0.01);
  },
);

test.each([
  { after: 'stale', message: /the sampler holds adapter/ },
  { after: 'forged', message: /log-probabilities of trainer and sampler differ by up to/ },
] as const)('a sampler that is $after', async ({ after, message }) => {
  sampler.after = after;
  const runDir = join(folder, after);
  const run = grpo(runDir);
  await expect(run).rejects.toThrow(GuardError);
  await expect(run).rejects.toThrow(message);
  expect(readJsonl(join(runDir, 'metrics.jsonl'))).toHaveLength(1);
  expect(readJson(join(runDir, 'run.json'))).toMatchObject({ status: 'failed' });
});

test('a sampler is freed where the logs of the run cannot be opened', async () => {
  sampler.after = 'synced';
  const runDir = join(folder, 'logs');
  await grpo(runDir, ['max_steps=1']);
  const groups = ['resume=auto', 'save_samples=true', 'samples_filename=samples.jsonl'];
  await expect(grpo(runDir, groups)).rejects.toThrow(/^samples_filename: the rows of this run/);
  expect(sampler.open).toBe(0);
});
