/** What follows from evaluations while training: which step a run ends with. */
import { expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import { DuringTraining } from '../../../../src/recipes/training/evaluate-during.js';

/** After evaluations of these losses, by their steps. @param period Steps between checkpoints */
async function evaluated(losses: Readonly<Record<number, number>>, { period = 2 } = {}) {
  let loss = 0;
  const keys = ['eval_dataset=rows.jsonl', 'eval_steps=1', 'load_best_model_at_end=true'];
  const during = new DuringTraining({
    config: loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', ...keys] }),
    evaluation: null,
    heldOut: async () => ({ loss }),
    rewards: null,
    sampler: () => Promise.reject(new Error('nothing is sampled')),
    onSamples: () => undefined,
    log: () => undefined,
    history: [],
    isKept: (step) => step % period === 0,
  });
  for (const [step, value] of Object.entries(losses)) {
    loss = value;
    await during.after(Number(step));
  }
  return during;
}

it('the best step is the last one also where no checkpoint can be of it', async () => {
  const falling = await evaluated({ 1: 4, 2: 3, 3: 2 });
  expect(falling.bestBy(3)).toBe(3);
  expect(falling.best).toBe(2);
  const rising = await evaluated({ 1: 2, 2: 3, 3: 4 });
  expect(rising.bestBy(3)).toBe(2);
});
