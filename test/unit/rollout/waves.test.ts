import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inWaves } from '../../../src/rollout/waves.js';

test('a wave fails when nothing of it is under way any more', async () => {
  const ended: number[] = [];
  const next = async ({ id }: { readonly id: number }) => {
    await wait(id === 0 ? 0 : 20);
    ended.push(id);
    if (id === 0) throw new Error('no sandbox');
    return null;
  };
  const made = [0, 1, 2].map((id) => ({ id, finishReason: 'stop' as const }));
  const waves = inWaves([{ id: 'a', promptIds: [1], n: 3 }], next, async () => made);
  await expect(waves).rejects.toThrow('no sandbox');
  expect(ended).toEqual([0, 1, 2]);
});

test('a wave may have more completions than a call takes arguments', async () => {
  const made = Array.from({ length: 200_000 }, () => ({ finishReason: 'stop' as const }));
  const requests = [{ id: 'a', promptIds: [1], n: made.length }];
  const all = await inWaves(
    requests,
    async () => null,
    async () => made,
  );
  expect(all).toHaveLength(made.length);
});
