/**
 * Steps, a checkpoint on disk, and the rest of the steps in a fresh policy give the bits of an unbroken run;
 * an interrupt saves where it may, and stops there.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { MaskedSequence } from '../../src/model/index.js';
import {
  type CheckpointStore,
  DataOrder,
  listCheckpoints,
  loadCheckpoint,
  runLoop,
  saveCheckpoint,
  sftStep,
} from '../../src/train/index.js';
import { InterruptError } from '../../src/util/errors.js';
import { Rng } from '../../src/util/rng.js';
import { temporaryFolder } from '../support/temporary.js';
import { adamwTrainer } from './adamw-trainer.js';
import { randomIds, type TinyPolicyOptions, tinyPolicy } from './tiny-policy.js';

const TOTAL = 8;

const rng = Rng.of('resume');
const EXAMPLES: readonly MaskedSequence[] = [5, 12, 3, 9, 20, 7, 2, 16, 11, 4].map((length) => {
  const ids = randomIds(rng, length);
  return { ids, trained: ids.map((_, t) => t >= length / 3) };
});

interface Outcome {
  /** Losses by step, counted from 1. */
  readonly losses: ReadonlyMap<number, number>;
  readonly parameters: Float32Array;
  readonly interrupted: InterruptError | null;
}

interface Session {
  readonly options?: TinyPolicyOptions;
  readonly seed?: number;
  readonly savePeriod?: number;
  /** Goes on from the latest checkpoint. */
  readonly resume?: boolean;
  /** Aborts while this step, counted from 1, is computed. */
  readonly abortAt?: number;
  /** Evaluations, after every other step, are good enough from this step on. */
  readonly enoughFrom?: number;
}

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

/** What one process does: all of it with its own policy, optimizer and data order. */
async function session({ options, seed = 1, ...rest }: Session = {}): Promise<Outcome> {
  const policy = tinyPolicy({ lora: { loraDropout: 0.2 }, ...options });
  const routerAuxLossCoef = policy.spec.experts?.auxLossCoef ?? 0;
  const trainer = adamwTrainer(policy, { weightDecay: 0.1, seed, routerAuxLossCoef });
  const { optimizer } = trainer;
  const { shapes } = policy.parameters;
  const fingerprint = { parameters: 'f', base: 'b', adapter: null };
  const store: CheckpointStore = { dir, shapes, fingerprint, limit: null };
  const from = rest.resume === true ? listCheckpoints(dir).at(-1) : undefined;
  const restored = from === undefined ? null : loadCheckpoint(from, store);
  if (restored !== null) {
    const parts = [...restored.parameters.values()].map((part) => Array.from(part));
    policy.parameters.assign(Float32Array.from(parts.flat()));
    optimizer.restore(restored.optimizer);
  }
  const order = new DataOrder({ examples: EXAMPLES.length, batchSize: 4, seed });
  const examples = (step: number) => order.batch(step).map((index) => EXAMPLES[index]!);
  const compute = sftStep({
    trainer,
    examples,
    microBatchSize: 3,
    loss: { lossType: 'nll', labelSmoothing: 0 },
  });
  const stop = new AbortController();
  const losses = new Map<number, number>();
  const run = runLoop({
    schedule: { type: 'cosine', learningRate: 1e-2, warmupSteps: 2, totalSteps: TOTAL },
    startStep: restored?.step ?? 0,
    startTokens: restored?.tokens ?? 0,
    step: (step, learningRate) => {
      if (step + 1 === rest.abortAt) stop.abort('SIGINT');
      return compute(step, learningRate);
    },
    epochsAt: (step) => order.epochsAt(step),
    saveSteps: 3,
    goOn: 'resume=auto',
    ...(rest.savePeriod !== undefined && { savePeriod: rest.savePeriod }),
    save: async ({ step, tokens }) => {
      const parameters = await policy.parameters.download();
      const rest = {
        optimizer: await optimizer.state(),
        reference: null,
        evaluations: [],
        metric: 'eval/loss',
      };
      await saveCheckpoint(store, { step, tokens, parameters, ...rest });
    },
    evaluate: async (step) =>
      step % 2 === 0 ? { metrics: {}, isEnough: step >= (rest.enoughFrom ?? TOTAL + 1) } : null,
    onRow: (row) => losses.set(row.step, row.loss as number),
    signal: stop.signal,
  });
  const interrupted = await run.then(
    () => null,
    (error: unknown) => {
      if (error instanceof InterruptError) return error;
      throw error;
    },
  );
  const parameters = (await policy.parameters.values.data()) as Float32Array;
  optimizer.dispose();
  policy.dispose();
  return { losses, parameters, interrupted };
}

const savedSteps = (): number[] => listCheckpoints(dir).map((path) => Number(path.slice(-6)));

describe.each([
  { name: 'LoRA with dropout', options: {} },
  { name: 'checkpointed layers', options: { checkpointedLayers: 3 } },
  { name: 'a base in 4 bits', options: { quantization: { type: 'nf4', isNested: true } } },
  { name: 'full training', options: { lora: null, family: 'qwen2' } },
  { name: 'experts', options: { family: 'qwen3_moe' } },
] satisfies { name: string; options: TinyPolicyOptions }[])('$name', ({ options }) => {
  test('is the same twice, and another for another seed', async () => {
    const first = await session({ options });
    expect(first.losses.size).toBe(TOTAL);
    expect(await session({ options })).toEqual(first);
    expect((await session({ options, seed: 2 })).losses).not.toEqual(first.losses);
  });

  test.each([1, 5])('goes on after an interrupt in step %i', async (abortAt) => {
    const whole = await session({ options });
    dir = temporaryFolder();
    const begun = await session({ options, abortAt });
    expect(begun.interrupted?.exitCode).toBe(130);
    expect(begun.losses.size).toBe(abortAt);
    expect(savedSteps().at(-1)).toBe(abortAt);
    const rest = await session({ options, resume: true });
    expect(new Map([...begun.losses, ...rest.losses])).toEqual(whole.losses);
    expect(rest.losses.size).toBe(TOTAL - abortAt);
    expect(rest.parameters).toEqual(whole.parameters);
  });
});

test('checkpoints come every save_steps', async () => {
  await session();
  expect(savedSteps()).toEqual([3, 6]);
});

test('checkpoints come after whole periods only', async () => {
  await session({ savePeriod: 4 });
  expect(savedSteps()).toEqual([4, 8]);
});

test('an interrupt waits for the end of the period', async () => {
  const { interrupted, losses } = await session({ savePeriod: 4, abortAt: 2 });
  expect(interrupted?.message).toMatch(/stopped after step 4 of 8, checkpoint saved/);
  expect(losses.size).toBe(4);
  expect(savedSteps()).toEqual([4]);
});

test('an interrupt in the last step lets the run end', async () => {
  const { interrupted, losses } = await session({ abortAt: TOTAL });
  expect(interrupted).toBeNull();
  expect(losses.size).toBe(TOTAL);
});

describe('a run that was good enough after step 6', () => {
  test('ends there', async () => {
    const { losses } = await session({ enoughFrom: 5 });
    expect([...losses.keys()]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('ends there also when it goes on from the checkpoint of that step', async () => {
    await session();
    expect(savedSteps()).toEqual([3, 6]);
    const { losses } = await session({ enoughFrom: 5, resume: true });
    expect([...losses.keys()]).toEqual([]);
  });

  test('goes on from an earlier checkpoint to it', async () => {
    const whole = await session({ enoughFrom: 5 });
    expect(savedSteps()).toEqual([3]);
    const rest = await session({ enoughFrom: 5, resume: true });
    expect([...rest.losses.keys()]).toEqual([4, 5, 6]);
    expect(rest.parameters).toEqual(whole.parameters);
  });
});
