/** Guards of the training step, each provoked on a tiny policy: what is stopped, and what is kept. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type MaskedSequence, NO_LORA, Policy } from '../../src/model/index.js';
import { checkChanged } from '../../src/recipes/training/checks.js';
import { tf } from '../../src/tensor/index.js';
import {
  type CheckpointStore,
  listCheckpoints,
  loadCheckpoint,
  runLoop,
  saveCheckpoint,
  sftTasks,
  type Trainer,
} from '../../src/train/index.js';
import type { MicroTask } from '../../src/train/trainer.js';
import { GuardError } from '../../src/util/errors.js';
import { Rng } from '../../src/util/rng.js';
import { logInto } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { adamwTrainer } from './adamw-trainer.js';
import { randomIds, tinyModel, tinyPolicy } from './tiny-policy.js';

const rng = Rng.of('guards');
const EXAMPLES: readonly MaskedSequence[] = [5, 12, 9].map((length) => {
  const ids = randomIds(rng, length);
  return { ids, trained: ids.map((_, t) => t > 1) };
});
const TASKS = sftTasks(EXAMPLES, {
  microBatchSize: 3,
  loss: { lossType: 'nll', labelSmoothing: 0 },
});
const BROKEN: MicroTask[] = TASKS.map((task) => ({
  ...task,
  lossOf: (scores) => {
    const { loss, metrics } = task.lossOf(scores);
    return { loss: loss.mul(Number.NaN) as typeof loss, metrics };
  },
}));

let policy: Policy;
let trainer: Trainer;

function open(made = tinyPolicy()): void {
  policy = made;
  trainer = adamwTrainer(policy);
}

afterEach(() => {
  trainer?.optimizer.dispose();
  policy.dispose();
});

const values = (): Float32Array => policy.parameters.values.dataSync<'float32'>();

/** What `checkChanged` says after two steps of the tasks. */
async function checked(tasks: readonly MicroTask[], command: 'sft' | 'grpo'): Promise<string[]> {
  const said: string[] = [];
  for (const step of [0, 1]) await trainer.step(tasks, { step, learningRate: 1e-2 });
  const context = logInto(said);
  const trained = { trainer } as Parameters<typeof checkChanged>[0]['trained'];
  checkChanged({ startStep: 0, trained, context }, { step: 2, tokens: 0 }, command);
  return said;
}

test('nothing to train is refused', () => {
  const frozen = () =>
    new Policy({ ...tinyModel('llama'), lora: NO_LORA, initialLora: [], checkpointedLayers: 0 });
  const [first, second] = [frozen(), frozen()];
  expect(() => open(first)).toThrow(GuardError);
  expect(() => open(second)).toThrow(/^no_trainable_parameters/);
  first.dispose();
});

test('an adapter of zeros learns nothing, which stops SFT and is said by GRPO', async () => {
  open();
  policy.parameters.assign(new Float32Array(policy.parameters.size));
  await expect(checked(TASKS, 'sft')).rejects.toThrow(
    /^unchanged_parameters: 2 steps changed no parameter/,
  );
  expect(await checked(TASKS, 'grpo')).toEqual([
    expect.stringMatching(/^warning: unchanged_parameters: 2 steps changed no parameter/),
  ]);
  expect(values().every((value) => value === 0)).toBe(true);
});

test('steps without anything to learn from count as unchanged, one that moves does not', async () => {
  open();
  await expect(checked([], 'sft')).rejects.toThrow(GuardError);
  expect(await checked(TASKS, 'sft')).toEqual([]);
  expect(await checked([], 'sft'), 'it has moved before').toEqual([]);
});

test('a rate that rounding swallows stops at once', async () => {
  open();
  await expect(trainer.step(TASKS, { step: 0, learningRate: 1e-30 })).rejects.toThrow(
    /^unchanged_parameters at step 1/,
  );
});

test.each([
  ['a loss of NaN', async () => BROKEN],
  [
    'an overflow after a rate far too high',
    async () => {
      await trainer.step(TASKS, { step: 3, learningRate: 1e30 });
      return TASKS;
    },
  ],
])('%s stops and leaves parameters and moments', async (_, provoke) => {
  open();
  const tasks = await provoke();
  const [before, moments] = [values(), await trainer.optimizer.state()];
  const stopped = () =>
    expect(trainer.step(tasks, { step: 4, learningRate: 1e-2 })).rejects.toThrow(
      /^not_finite at step 5/,
    );
  await stopped();
  const { numTensors } = tf.memory();
  await stopped();
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(values()).toEqual(before);
  expect(await trainer.optimizer.state()).toEqual(moments);
});

test('the last good state is saved when a loss is not finite', async () => {
  open();
  const dir = temporaryFolder();
  const { shapes } = policy.parameters;
  const fingerprint = { parameters: 'f', base: 'b', adapter: null };
  const store: CheckpointStore = { dir, shapes, fingerprint, limit: null };
  const run = runLoop({
    schedule: { type: 'constant', learningRate: 1e-2, warmupSteps: 0, totalSteps: 9 },
    startStep: 0,
    startTokens: 0,
    step: async (step, learningRate) => {
      await trainer.step(step < 3 ? TASKS : BROKEN, { step, learningRate });
      return { tokens: 1, metrics: {} };
    },
    epochsAt: (step) => step,
    saveSteps: 100,
    goOn: 'resume=auto',
    save: async ({ step, tokens }) => {
      const parameters = await policy.parameters.download();
      const optimizer = await trainer.optimizer.state();
      await saveCheckpoint(store, {
        step,
        tokens,
        parameters,
        optimizer,
        reference: null,
        evaluations: [],
        metric: 'eval/loss',
      });
    },
    onRow: () => undefined,
    signal: new AbortController().signal,
  });
  await expect(run).rejects.toThrow(/^not_finite at step 4/);
  expect(listCheckpoints(dir)).toEqual([join(dir, 'step-000003')]);
  const { parameters } = loadCheckpoint(join(dir, 'step-000003'), store);
  const kept = [...parameters.values()].flatMap((part) => [...part]);
  expect(kept).toEqual([...values()]);
  expect(kept.every(Number.isFinite)).toBe(true);
});
