/** How much of a card's memory is in use, as nvidia-smi sees it: what programs have reserved. */
import { setTimeout as delay } from 'node:timers/promises';
import { cardMemory } from '../../src/setup/index.js';

const PERIOD_MS = 200;

/** MiB; null where nvidia-smi gives no number. */
function used(card: string): number | null {
  const bytes = cardMemory(card, 'used');
  return bytes === null ? null : bytes / 2 ** 20;
}

export interface Watched<T> {
  readonly value: T;
  /** Most in use meanwhile, above what was in use before, MiB; null where nvidia-smi gives no number. */
  readonly card_mib: number | null;
}

/** Watches a card while something runs. @param card As CUDA_VISIBLE_DEVICES names it */
export async function watchingCard<T>(card: string, run: () => Promise<T>): Promise<Watched<T>> {
  const before = used(card);
  let [most, isRunning] = [before, true];
  const watching = (async () => {
    while (isRunning && most !== null) {
      most = Math.max(most, used(card) ?? 0);
      await delay(PERIOD_MS);
    }
  })();
  const value = await run().finally(() => {
    isRunning = false;
  });
  await watching;
  return { value, card_mib: most === null || before === null ? null : most - before };
}
