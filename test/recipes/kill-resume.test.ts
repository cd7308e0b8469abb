/**
 * A run killed by SIGKILL, or stopped by a full disk, and resumed gives what an uninterrupted one gives, bit for bit: weights, moments,
 * metrics, samples. `LORIKEET_KILLS=20` kills each kind of run at least that often, at random moments.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/util/rng.js';
import { type RunResult, runResult } from '../support/run-result.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, tinyTraining } from '../support/tiny-training.js';
import { type Kill, killedLorikeet, lorikeet, rowsIn } from './killed-run.js';

const KILLS = Number(process.env.LORIKEET_KILLS ?? 0);
const SEED = process.env.LORIKEET_KILL_SEED ?? '1';

interface Task {
  readonly name: string;
  readonly command: 'sft' | 'grpo' | 'dpo';
  /** Name of the task whose result is trained further; absent: the untrained checkpoint. */
  readonly model?: string;
  readonly steps: number;
  readonly saveSteps: number;
  readonly keys: readonly string[];
}

const GROUPS = ['num_generations=4', 'max_completion_length=16', 'learning_rate=1e-3'];

/** Full training → GRPO on it → DPO from GRPO's adapter, whose start is the reference. */
const CHAIN: readonly Task[] = [
  { name: 'sft', command: 'sft', steps: 36, saveSteps: 9, keys: FORMAT_KEYS },
  {
    name: 'grpo, two passes over two steps of a generation',
    command: 'grpo',
    model: 'sft',
    steps: 12,
    saveSteps: 3,
    keys: [
      ...GROUPS,
      'per_device_train_batch_size=16',
      'steps_per_generation=2',
      'num_iterations=2',
    ],
  },
  {
    name: 'dpo from an adapter',
    command: 'dpo',
    model: 'grpo, two passes over two steps of a generation',
    steps: 12,
    saveSteps: 3,
    keys: ['per_device_train_batch_size=4', 'gradient_accumulation_steps=2', 'learning_rate=1e-3'],
  },
];

const MORE: readonly Task[] = [
  {
    name: 'sft with LoRA, dropout and checkpointed layers',
    command: 'sft',
    steps: 12,
    saveSteps: 3,
    keys: [
      'lora.lora_dropout=0.2',
      'gradient_checkpointing=true',
      'per_device_train_batch_size=8',
      'learning_rate=1e-2',
    ],
  },
  {
    name: 'grpo from an adapter with a KL term',
    command: 'grpo',
    model: 'dpo from an adapter',
    steps: 12,
    saveSteps: 3,
    keys: [
      ...GROUPS,
      'beta=0.05',
      'per_device_train_batch_size=8',
      'gradient_accumulation_steps=2',
    ],
  },
  {
    name: 'grpo of all weights',
    command: 'grpo',
    model: 'sft',
    steps: 12,
    saveSteps: 3,
    keys: [...GROUPS, 'use_lora=false', 'per_device_train_batch_size=16'],
  },
  {
    name: 'dpo against the base model, scored before',
    command: 'dpo',
    model: 'sft',
    steps: 12,
    saveSteps: 3,
    keys: ['per_device_train_batch_size=8', 'precompute_ref_log_probs=true', 'learning_rate=1e-3'],
  },
  {
    name: 'kto on pairs taken apart',
    command: 'dpo',
    model: 'sft',
    steps: 12,
    saveSteps: 3,
    keys: ['loss_type=kto', 'per_device_train_batch_size=8', 'learning_rate=1e-3'],
  },
];

const TASKS = KILLS > 0 ? [...CHAIN, ...MORE] : CHAIN;

const folder = temporaryFolder();
const tiny = tinyTraining(folder);

const wholeRun = (name: string) => join(folder, `whole ${name}`);

function argvOf(task: Task, runDir: string): string[] {
  const model = task.model === undefined ? tiny.base : wholeRun(task.model);
  const data = task.command === 'dpo' ? [`dataset.path=${tiny.pairs}`] : [];
  const steps = [`max_steps=${task.steps}`, `save_steps=${task.saveSteps}`];
  const run = [`model=${model}`, `output_dir=${runDir}`, 'resume=auto'];
  return [task.command, ...tiny.keys, ...run, ...data, ...steps, ...task.keys];
}

/** A disk that is full before the largest checkpoint file, or another file of the run, is written. */
function fullDisk(whole: RunResult, rng: Rng): Kill {
  const size = rng.pick(whole.sizes.filter((bytes) => bytes > 2048));
  return { when: 'full disk', kib: Math.max(1, Math.floor((rng.uniform() * size) / 1024)) };
}

/** A moment soon after the step that the run has come to, or null when it is nearly done. */
function nextKill(task: Task, { rows, rng, whole }: KillState): Kill | null {
  const left = task.steps - 1 - rows;
  if (left < 1) return null;
  if (rng.uniform() < 0.25) return fullDisk(whole, rng);
  const kind = rng.uniform();
  if (kind < 0.15) return { when: 'start', delayMs: rng.int(0, 4000) };
  if (kind < 0.5) return { when: 'checkpoint', from: rows + 1 };
  const row = rows + rng.int(1, Math.min(left, Math.ceil(task.steps / 4)));
  return { when: 'row', row, delayMs: rng.int(0, 80) };
}

interface KillState {
  readonly rows: number;
  readonly rng: Rng;
  /** The run that nothing interrupted. */
  readonly whole: RunResult;
}

interface Interrupted {
  readonly kills: number;
  /** Of these by a full disk. */
  readonly full: number;
  readonly halfWritten: number;
  readonly result: RunResult;
}

/** Kills one run again and again until it is done. */
async function interruptedRun(
  task: Task,
  runDir: string,
  killsOf: (rows: number) => Kill | null,
): Promise<Interrupted> {
  const argv = argvOf(task, runDir);
  let [kills, full, halfWritten] = [0, 0, 0];
  for (let kill = killsOf(0); kill !== null; kill = killsOf(rowsIn(runDir))) {
    const outcome = await killedLorikeet(argv, { runDir, kill });
    if (!outcome.wasStopped) break;
    kills++;
    if (kill.when === 'full disk') full++;
    if (outcome.isHalfWritten) halfWritten++;
  }
  await lorikeet(...argv);
  return { kills, full, halfWritten, result: runResult(runDir) };
}

function expectEveryStep({ metrics }: RunResult, task: Task): void {
  const steps = Array.from({ length: task.steps }, (_, i) => i + 1);
  expect(metrics.map(({ step }) => step)).toEqual(steps);
}

function expectEqual(actual: RunResult, expected: RunResult): void {
  expect(actual.metrics).toEqual(expected.metrics);
  expect(actual.samples).toEqual(expected.samples);
  expect(actual.files).toEqual(expected.files);
}

/** What makes the comparison mean something: most steps have changed the weights. */
function expectLearning({ metrics, samples }: RunResult, task: Task): void {
  const norms = metrics.map(({ grad_norm }) => grad_norm as number);
  expect(norms.filter((norm) => norm > 0).length).toBeGreaterThan(task.steps / 2);
  if (task.command === 'grpo') expect(samples.length).toBeGreaterThan(0);
}

/**
 * One kill at a random step, one full disk, one kill while a later checkpoint is written (unless that was too
 * quick to see).
 */
async function killTwice(task: Task, whole: RunResult): Promise<void> {
  const rng = Rng.of(SEED, task.name);
  const row = rng.int(task.saveSteps + 1, task.steps - task.saveSteps - 1);
  const plan: Kill[] = [
    { when: 'row', row, delayMs: rng.int(0, 5) },
    fullDisk(whole, rng),
    { when: 'checkpoint', from: row + 1 },
  ];
  const runDir = mkdtempSync(join(folder, 'killed-'));
  const run = await interruptedRun(task, runDir, () => plan.shift() ?? null);
  expect(run.full).toBe(1);
  expect(run.kills).toBeGreaterThan(1);
  expectEqual(run.result, whole);
}

async function killOften(task: Task, whole: RunResult): Promise<void> {
  let [kills, full, halfWritten, runs] = [0, 0, 0, 0];
  for (; kills < KILLS; runs++) {
    const rng = Rng.of(SEED, task.name, runs);
    const runDir = mkdtempSync(join(folder, 'killed-'));
    const run = await interruptedRun(task, runDir, (rows) => nextKill(task, { rows, rng, whole }));
    kills += run.kills;
    full += run.full;
    halfWritten += run.halfWritten;
    expectEqual(run.result, whole);
    const checkpoints = readdirSync(join(runDir, 'checkpoints'));
    expect(checkpoints.filter((name) => name.includes('.part-'))).toEqual([]);
    expect(existsSync(join(runDir, 'run.lock'))).toBe(false);
    rmSync(runDir, { recursive: true });
  }
  const counts = `${kills} stops in ${runs} runs, ${full} by a full disk, ${halfWritten} left half a checkpoint`;
  process.stderr.write(`${task.name}: ${counts}\n`);
}

describe.each(TASKS)('$name', (task) => {
  let whole: RunResult;

  test('runs', async () => {
    const runDir = wholeRun(task.name);
    await lorikeet(...argvOf(task, runDir));
    whole = runResult(runDir);
    expectEveryStep(whole, task);
    expectLearning(whole, task);
  });

  test('is the same when killed and resumed', async () => {
    await (KILLS > 0 ? killOften : killTwice)(task, whole);
  }, 3_600_000);
});
