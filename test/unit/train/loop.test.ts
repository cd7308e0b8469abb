/** What a loop that has nothing left to do says. */
import { expect, it } from 'vitest';
import { runLoop } from '../../../src/train/loop.js';

it('that goes on beyond its last step does nothing, and stays at the step it is at', async () => {
  const fail = async () => {
    throw new Error('nothing is to be done');
  };
  const progress = await runLoop({
    schedule: { type: 'constant', learningRate: 1, totalSteps: 1, warmupSteps: 0 },
    startStep: 3,
    startTokens: 70,
    step: fail,
    epochsAt: () => 0,
    saveSteps: 1,
    save: fail,
    onRow: () => {},
    signal: new AbortController().signal,
  });
  expect(progress).toEqual({ step: 3, tokens: 70 });
});
