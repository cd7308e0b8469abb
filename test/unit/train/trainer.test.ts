/** What names the dropout of a micro-batch. */
import { expect, it } from 'vitest';
import { dropoutSeedOf } from '../../../src/train/trainer.js';

it('micro-batches have dropout of their own, whatever the seed', () => {
  const seeds = [1, 42, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER];
  const places = seeds.flatMap((seed) =>
    [0, 1, 2].flatMap((step) => [0, 1].map((index) => ({ seed, step, index }))),
  );
  expect(new Set(places.map(dropoutSeedOf)).size).toBe(places.length);
  expect(dropoutSeedOf({ seed: 42, step: 3, index: 1 })).toBe('42003154');
});
