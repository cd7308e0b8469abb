/** The phases of a DPO step: the reference's time is that of its scores, and tokens are laid out once. */
import { expect, test, vi } from 'vitest';
import type { CollatedBatch, Policy } from '../../../src/model/index.js';
import {
  dpoStep,
  type PreferencePair,
  type ScoredPairs,
  type Trainer,
  withReference,
} from '../../../src/train/index.js';
import type { MicroTask } from '../../../src/train/trainer.js';

const SCORE_MS = 30;

/** Milliseconds: scores and reads of tokens take time, and nothing else. */
let clock = 0;
vi.spyOn(performance, 'now').mockImplementation(() => clock);

/** Two answers to a prompt of `length` tokens. */
function pair(length: number, reference?: PreferencePair['reference']): PreferencePair {
  const answer = (token: number) => {
    const ids = [...Array.from({ length }, (_, i) => i % 50), token];
    const trained = [...Array.from({ length }, () => false), true];
    return {
      trained,
      get ids() {
        clock++;
        return ids;
      },
    };
  };
  return { chosen: answer(3), rejected: answer(4), ...(reference && { reference }) };
}

/** A trainer, and a policy whose scores take `SCORE_MS`. */
function stepOf(pairs: readonly PreferencePair[]) {
  const scored: CollatedBatch[] = [];
  const learnt: MicroTask['batch'][] = [];
  const policy = {
    logps: async (batch: CollatedBatch) => {
      scored.push(batch);
      clock += SCORE_MS;
      return new Float32Array(batch.sequences.length).fill(-1);
    },
  };
  const step = async (tasks: readonly MicroTask[]) => {
    learnt.push(...tasks.map(({ batch }) => batch));
    const seconds = { forward: 0, head: 0, backward: 0, optimizer: 0 };
    return { loss: 0, gradNorm: 0, updateNorm: 0, metrics: {}, logps: [], seconds };
  };
  const run = dpoStep({
    trainer: { policy, step } as unknown as Trainer,
    pairs: () => pairs,
    microBatchSize: 2,
    reference: 'off',
    losses: [{ type: 'sigmoid', weight: 1 }],
    settings: { beta: 0.1, labelSmoothing: 0, simpoGamma: 0.5, cpoAlpha: 1, discopopTau: 0.05 },
  });
  return { run, scored, learnt };
}

test('the reference is scored on the batches that are learnt, and its phase is that', async () => {
  const { run, scored, learnt } = stepOf([pair(5), pair(9), pair(2), pair(7)]);
  const { seconds } = await run(0, 1e-4);
  expect(scored).toHaveLength(2);
  expect(learnt).toEqual(scored);
  for (const [i, batch] of learnt.entries()) expect(batch).toBe(scored[i]);
  expect(seconds!.reference).toBe((2 * SCORE_MS) / 1000);
});

test('laying tokens out is not of it', async () => {
  const known = [2, 5, 9].map((length) => pair(length, { chosen: -1, rejected: -1 }));
  const { run, scored } = stepOf(known);
  const start = clock;
  const { seconds } = await run(0, 1e-4);
  expect(clock).toBeGreaterThan(start);
  expect(scored).toEqual([]);
  expect(seconds!.reference).toBe(0);
});

test('the reference weighs the tokens of LD-DPO as the policy does', async () => {
  const answer = (ids: readonly number[]) => ({
    ids: [1, ...ids],
    trained: [false, ...ids.map(() => true)],
  });
  const pairs = [{ chosen: answer([2, 3, 4]), rejected: answer([5]) }];
  const logps = async ({ sequences }: CollatedBatch) => new Float32Array(sequences.length).fill(-1);
  const policy = { logps } as unknown as Policy;
  const options = { policy, reference: 'off', microBatchSize: 1, ldAlpha: 0.25 } as const;
  const [scored] = await withReference(pairs, options);
  // one token is shared; the two after it weigh a quarter each
  expect(scored!.reference).toEqual({ chosen: -1.5, rejected: -1 });
  const [plain] = await withReference(pairs, { ...options, ldAlpha: null });
  expect(plain!.reference).toEqual({ chosen: -3, rejected: -1 });
});

test('scoring ends where onPair throws, once signals are delivered, and goes on with the same batches', async () => {
  const batches: CollatedBatch[] = [];
  const logps = async (batch: CollatedBatch) => {
    batches.push(batch);
    return new Float32Array(batch.sequences.length).fill(-1);
  };
  const pairs = [3, 9, 5, 7, 5].map((length) => pair(length));
  const policy = { logps } as unknown as Policy;
  const options = { policy, reference: 'off', microBatchSize: 2 } as const;
  await withReference(pairs, options);
  const together = batches.splice(0);

  const scored: ScoredPairs = new Map();
  let isStopped = false;
  setImmediate(() => {
    isStopped = true;
  });
  const onPair = () => {
    if (isStopped) throw new Error('stopped');
  };
  const stopped = withReference(pairs, { ...options, scored, onPair });
  await expect(stopped).rejects.toThrow('stopped');
  expect(scored.size).toBe(2);
  const done: number[] = [];
  const rest = { ...options, scored, onPair: (count: number) => void done.push(count) };
  await withReference(pairs, rest);
  expect(done).toEqual([4, 5]);
  expect(batches).toEqual(together);
});
