/** The checkpoints that a dry run counts: those that the loop has on the disk at a time, new best steps included. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sftSchema } from '../../../../src/config/index.js';
import { diskLine } from '../../../../src/recipes/memory/disk.js';
import { runLoop, saveCheckpoint } from '../../../../src/train/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

interface Keys {
  readonly max_steps: number;
  readonly save_steps: number;
  readonly save_total_limit?: number;
  readonly load_best_model_at_end?: true;
  readonly eval_steps?: number;
}

/** @param isBest Whether the evaluation after a step is the best so far */
async function peak(keys: Keys, isBest: (step: number) => boolean): Promise<number> {
  let most = 0;
  const dir = temporaryFolder();
  const store = {
    dir,
    shapes: [],
    fingerprint: { parameters: 'f', base: 'b', adapter: null },
    // Asked for when the new one is written and the older ones are there still.
    get limit() {
      most = Math.max(most, readdirSync(dir).length);
      return keys.save_total_limit ?? null;
    },
  };
  const { load_best_model_at_end: seeksBest = false, eval_steps: every = keys.max_steps } = keys;
  let keep: number[] = [];
  await runLoop({
    schedule: { type: 'constant', learningRate: 1, totalSteps: keys.max_steps, warmupSteps: 0 },
    ...{ startStep: 0, startTokens: 0, saveSteps: keys.save_steps, goOn: 'resume=auto' },
    signal: new AbortController().signal,
    epochsAt: () => 0,
    onRow: () => undefined,
    step: async () => ({ tokens: 1, metrics: {} }),
    evaluate: async (step) => {
      if (!seeksBest || step % every > 0) return null;
      if (isBest(step)) keep = [step];
      return { metrics: {}, isEnough: false, isBest: isBest(step) };
    },
    save: async ({ step, tokens }) => {
      const optimizer = { step, moments: {} };
      const evaluated = { evaluations: [], metric: 'eval/loss' };
      const state = {
        step,
        tokens,
        parameters: new Map(),
        optimizer,
        reference: null,
        ...evaluated,
      };
      await saveCheckpoint(store, state, { keep });
    },
  });
  return most;
}

const counted = (keys: Keys): number => {
  const config = sftSchema.parse({
    ...{ model: 'm', dataset: { path: 'd' }, eval_dataset: { path: 'e' }, eval_steps: 100 },
    ...keys,
  });
  return Number(/ for (\d+);/.exec(diskLine(config, { trained: 1e6, modelBytes: 4e6 }))?.[1]);
};

const best = { load_best_model_at_end: true } as const;
const first = (step: number) => step === 2;
const each = () => true;

it.each<[number, Keys, (step: number) => boolean]>([
  [4, { max_steps: 16, save_steps: 4 }, each],
  [2, { max_steps: 16, save_steps: 4, save_total_limit: 1 }, each],
  [4, { max_steps: 16, save_steps: 2, save_total_limit: 3 }, each],
  // 2, then 4 and 6: the best and the latest are kept.
  [3, { max_steps: 16, save_steps: 2, save_total_limit: 1, eval_steps: 2, ...best }, first],
  [4, { max_steps: 16, save_steps: 2, save_total_limit: 3, eval_steps: 2, ...best }, first],
  // 4, 5, 9, 10, 14, 15.
  [6, { max_steps: 15, save_steps: 4, eval_steps: 5, ...best }, each],
  // 3, 6, 9, 12, 15.
  [5, { max_steps: 15, save_steps: 500, eval_steps: 3, ...best }, each],
  [4, { max_steps: 16, save_steps: 4, eval_steps: 4, ...best }, each],
])('%i at a time by %o', async (most, keys, isBest) => {
  expect(await peak(keys, isBest)).toBe(most);
  expect(counted(keys)).toBe(most);
});
