/** What follows from evaluations while training: which step a run ends with. */
import { expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import { DuringTraining } from '../../../../src/recipes/training/evaluate-during.js';

/** After evaluations of these losses, by their steps; every other step has a checkpoint. */
async function evaluated(losses: Readonly<Record<number, number>>, ...further: string[]) {
  let loss = 0;
  const keys = ['eval_dataset=rows.jsonl', 'eval_steps=1', ...further];
  const during = new DuringTraining({
    config: loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', ...keys] }),
    evaluation: null,
    heldOut: async () => ({ loss }),
    rewards: null,
    sampler: () => Promise.reject(new Error('nothing is sampled')),
    onSamples: () => undefined,
    log: () => undefined,
    history: [],
    isKept: (step) => step % 2 === 0,
  });
  for (const [step, value] of Object.entries(losses)) {
    loss = value;
    await during.after(Number(step));
  }
  return during;
}

it('the best step is the last one also where no checkpoint can be of it', async () => {
  const falling = await evaluated({ 1: 4, 2: 3, 3: 2 }, 'load_best_model_at_end=true');
  expect(falling.bestBy(3)).toBe(3);
  expect(falling.best).toBe(2);
  const rising = await evaluated({ 1: 2, 2: 3, 3: 4 }, 'load_best_model_at_end=true');
  expect(rising.bestBy(3)).toBe(2);
});

it('a plateau lowers the rate no further than min_lr', async () => {
  const keys = ['learning_rate=1e-3', 'lr_scheduler_type=reduce_lr_on_plateau'];
  const shape = ['patience=0', 'min_lr=4e-4', 'factor=0.5'].map(
    (key) => `lr_scheduler_kwargs.${key}`,
  );
  const flat = (steps: number) =>
    evaluated(
      Object.fromEntries(Array.from({ length: steps }, (_, i) => [i, 1])),
      ...keys,
      ...shape,
    );
  const factors = await Promise.all([1, 2, 3, 4].map(async (n) => (await flat(n)).rateFactor()));
  expect(factors).toBeAllclose([1, 0.5, 0.4, 0.4]);
});
