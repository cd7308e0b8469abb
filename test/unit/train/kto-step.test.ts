/** The KL baseline of KTO: which answers are put to which prompts. */
import { expect, test } from 'vitest';
import type { CollatedBatch, Policy } from '../../../src/model/index.js';
import {
  ktoReference,
  ktoStep,
  ktoTasks,
  type LabelledAnswer,
  type Trainer,
} from '../../../src/train/index.js';

/** An answer of one token to a prompt of one. */
const answer = (prompt: number, token: number): LabelledAnswer => ({
  ids: [prompt, token],
  trained: [false, true],
  desirable: token % 2 === 0,
});

/** Scores under which log π − log π_ref of a token is the token; keeps what was asked under the policy. */
async function baseline(answers: readonly LabelledAnswer[], maxLength = 8) {
  const asked: number[][] = [];
  const logps = async (batch: CollatedBatch, { adapter }: { readonly adapter: string }) => {
    const isPolicy = adapter === 'policy';
    if (isPolicy) asked.push([...batch.ids]);
    return Float32Array.from(batch.targets, (token) => (isPolicy ? token : 0));
  };
  const { kl } = await ktoTasks(answers, {
    policy: { logps } as unknown as Policy,
    microBatchSize: 1,
    reference: 'reference',
    settings: { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
    usesKl: true,
    maxLength,
  });
  return { asked, kl };
}

test('each prompt has the answer before', async () => {
  const { asked, kl } = await baseline([answer(1, 10), answer(2, 20), answer(3, 30)]);
  expect(asked).toEqual([
    [1, 30],
    [2, 10],
    [3, 20],
  ]);
  expect(kl).toBe(20);
});

test('never one of its own, as those of a pair taken apart stand side by side', async () => {
  const { asked, kl } = await baseline([
    ...[answer(1, 10), answer(1, 11)],
    ...[answer(2, 20), answer(2, 21)],
  ]);
  expect(asked).toEqual([
    [1, 21],
    [1, 21],
    [2, 11],
    [2, 11],
  ]);
  expect(kl).toBe(16);
});

test('a prompt with another answer is no longer than an example may be', async () => {
  const long = { ids: [1, 2, 3, 10], trained: [false, false, false, true], desirable: true };
  const answers = [long, { ids: [4, 20, 21], trained: [false, true, true], desirable: false }];
  const { asked, kl } = await baseline(answers, 4);
  expect(asked.map((ids) => ids.join())).toEqual(['1,2,3,20', '4,10']);
  expect(kl).toBe(15);
});

test('is not known where all answers are to one prompt', async () => {
  expect(await baseline([answer(1, 10), answer(1, 11)])).toEqual({ asked: [], kl: null });
});

test('a step of one prompt is told of, and has no kl in its row', async () => {
  const logps = async ({ targets }: CollatedBatch) => new Float32Array(targets.length);
  const outcome = { loss: 0.5, gradNorm: 1, updateNorm: 1, metrics: {}, logps: [], seconds: {} };
  const trainer = { policy: { logps }, step: async () => outcome } as unknown as Trainer;
  const told: number[] = [];
  const step = ktoStep({
    trainer,
    answers: (index) => [answer(1, 10), answer(index, 11)],
    microBatchSize: 2,
    reference: 'reference',
    settings: { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
    usesKl: true,
    maxLength: 8,
    onNoBaseline: (index) => told.push(index),
  });
  expect((await step(1, 1e-3)).metrics).not.toHaveProperty('kl');
  expect((await step(2, 1e-3)).metrics).toHaveProperty('kl', 0);
  expect(told).toEqual([1]);
});

test('a reference that is known is not scored again', async () => {
  const asked: string[] = [];
  const logps = async ({ targets }: CollatedBatch, { adapter }: { readonly adapter: string }) => {
    asked.push(adapter);
    return Float32Array.from(targets, (target) => -target);
  };
  const answers = [answer(1, 10), answer(2, 20), answer(3, 30)];
  const options = {
    policy: { logps } as unknown as Policy,
    microBatchSize: 2,
    reference: 'reference',
    settings: { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
    usesKl: true,
    maxLength: 8,
  } as const;
  let batches = 0;
  const known = await ktoReference(answers, { ...options, onBatch: () => batches++ });
  // Longest first, two at a time, in their order: answers, and the answer before each.
  expect(known).toEqual({
    answers: [Float32Array.of(-10, -20), Float32Array.of(-30)],
    mismatches: [Float32Array.of(-30, -10), Float32Array.of(-20)],
  });
  expect(batches).toBe(4);
  expect(asked.splice(0)).toEqual(Array(4).fill('reference'));
  expect((await ktoTasks(answers, { ...options, known })).kl).toBe(0);
  expect(asked).toEqual(['policy', 'policy']);
  const stop = () => {
    throw new Error('stopped');
  };
  await expect(ktoReference(answers, { ...options, onBatch: stop })).rejects.toThrow('stopped');
});
