/** A GRPO run whose sampler breaks in its second generation: what is said, what is kept, and how it goes on. */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { grpoSchema, loadConfig } from '../../src/config/index.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import type { RolloutSampler } from '../../src/rollout/index.js';
import { readJson } from '../../src/util/files.js';
import {
  fromFloat32,
  openCheckpoint,
  toFloat32,
  writeCheckpoint,
} from '../../src/weights/index.js';
import { logInto } from '../support/context.js';
import { runResult } from '../support/run-result.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';

/** The generation that breaks, counted from 1, and how many samplers are open. */
const sampler = vi.hoisted(() => ({ breaksAt: Number.POSITIVE_INFINITY, open: 0 }));

vi.mock(import('../../src/recipes/sampling/open-sampler.js'), async (original) => {
  const actual = await original();
  return { ...actual, openSampler: async (...args) => breaking(await actual.openSampler(...args)) };
});

function breaking(real: RolloutSampler): RolloutSampler {
  let calls = 0;
  sampler.open += 1;
  return {
    generate: async (...args) => {
      if (++calls === sampler.breaksAt) throw new Error('the device was lost');
      return real.generate(...args);
    },
    score: real.score.bind(real),
    reloadWeights: real.reloadWeights.bind(real),
    setAdapter: real.setAdapter.bind(real),
    dispose: () => {
      sampler.open -= 1;
      real.dispose();
    },
    get adapterHash() {
      return real.adapterHash;
    },
  };
}

const folder = temporaryFolder();
const tiny = tinyTraining(folder);
let lines: string[];

// Unlike for the completions of an untrained decoder.
writeFileSync(
  join(folder, 'reward.mjs'),
  'export const digits = (completion) => completion.replace(/[^0-9]/g, "").length;\n',
);
beforeEach(() => {
  lines = [];
  sampler.breaksAt = Number.POSITIVE_INFINITY;
});

async function grpo(runDir: string, keys: readonly string[], model = tiny.base): Promise<void> {
  const overrides = [
    ...tiny.keys,
    ...['rollout_precision=float32', 'num_generations=4', 'max_completion_length=12'],
    ...['per_device_train_batch_size=8', 'learning_rate=1e-3', 'report_to=none'],
    ...[`rewards=[{name: digits, file: ${join(folder, 'reward.mjs')}}]`, 'resume=auto'],
    ...[`model=${model}`, `output_dir=${runDir}`, ...keys],
  ];
  await runGrpo(loadConfig(grpoSchema, { overrides }), logInto(lines));
}

/** Files that a process left half-written, and its lock. */
const leftovers = (runDir: string): string[] =>
  readdirSync(runDir, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.part') || basename(name) === 'run.lock',
  );

describe.each([
  { name: 'one step a generation', keys: ['max_steps=3'], saved: 1 },
  {
    name: 'two passes over two steps of a generation',
    keys: ['max_steps=8', 'steps_per_generation=2', 'num_iterations=2'],
    saved: 4,
  },
])('$name', ({ name, keys, saved }) => {
  test('its whole steps are saved, and it goes on as if nothing had been', async () => {
    const whole = join(folder, `whole, ${name}`);
    await grpo(whole, keys);
    const runDir = join(folder, name);
    sampler.breaksAt = 2;
    await expect(grpo(runDir, keys)).rejects.toThrow('the device was lost');
    expect(lines).toContain(
      `step ${saved} is saved: resume=auto output_dir=${runDir} goes on from it`,
    );
    expect(readdirSync(join(runDir, 'checkpoints'))).toEqual([`step-00000${saved}`]);
    expect(readJson(join(runDir, 'run.json'))).toMatchObject({ status: 'failed' });
    expect(leftovers(runDir)).toEqual([]);
    expect(sampler.open).toBe(0);
    sampler.breaksAt = Number.POSITIVE_INFINITY;
    await grpo(runDir, keys);
    const { sizes: _, ...found } = runResult(runDir);
    const { sizes: __, ...expected } = runResult(whole);
    expect(found.samples.length).toBeGreaterThan(0);
    expect(found.metrics.some(({ grad_norm: norm }) => (norm as number) > 0)).toBe(true);
    expect(found).toEqual(expected);
  });
});

test('sampled ahead: the step that it went on beside is saved too', async () => {
  const runDir = join(folder, 'ahead');
  sampler.breaksAt = 2;
  const run = grpo(runDir, ['max_steps=3', 'max_staleness=1']);
  await expect(run).rejects.toThrow('the device was lost');
  expect(readdirSync(join(runDir, 'checkpoints'))).toEqual(['step-000001']);
  expect(sampler.open).toBe(0);
});

test('a base with the same embedding and another norm is another base', async () => {
  const runDir = join(folder, 'on a base');
  const other = join(folder, 'another base');
  await grpo(runDir, ['max_steps=1']);
  mkdirSync(other);
  for (const name of readdirSync(tiny.base)) copyFileSync(join(tiny.base, name), join(other, name));
  const base = openCheckpoint(tiny.base);
  const tensors = new Map(base.names().map((name) => [name, base.tensor(name)]));
  const norm = tensors.get('model.norm.weight')!;
  const moved = toFloat32(norm).map((value) => value * 1.5);
  writeCheckpoint(
    other,
    tensors.set('model.norm.weight', fromFloat32(moved, norm.shape, norm.dtype)),
  );
  base.close();
  await expect(grpo(runDir, ['max_steps=2'], other)).rejects.toThrow(
    /step-000001: the checkpoint belongs to another base/,
  );
  await grpo(runDir, ['max_steps=2']);
  expect(runResult(runDir).metrics).toHaveLength(2);
});
