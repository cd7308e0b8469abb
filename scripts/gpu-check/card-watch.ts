/** How much of a card's memory is in use, as nvidia-smi sees it: what programs have reserved. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const PERIOD_MS = 200;

/** MiB; null where nvidia-smi gives no number. */
async function used(card: string): Promise<number | null> {
  const query = [`--id=${card}`, '--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query);
    const mib = Number(stdout);
    return stdout.trim() !== '' && Number.isFinite(mib) ? mib : null;
  } catch {
    return null;
  }
}

export interface Watched<T> {
  readonly value: T;
  /** Most in use meanwhile, above what was in use before, MiB; null where nvidia-smi gives no number. */
  readonly card_mib: number | null;
}

/** Watches a card while something runs. */
export async function watchingCard<T>(card: string, run: () => Promise<T>): Promise<Watched<T>> {
  const before = await used(card);
  let [most, isRunning] = [before, true];
  const watching = (async () => {
    while (isRunning && most !== null) {
      most = Math.max(most, (await used(card)) ?? 0);
      await delay(PERIOD_MS);
    }
  })();
  const value = await run().finally(() => {
    isRunning = false;
  });
  await watching;
  return { value, card_mib: most === null || before === null ? null : most - before };
}
