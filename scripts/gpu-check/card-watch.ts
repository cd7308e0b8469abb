/** How much of a card's memory is in use, as nvidia-smi sees it: what programs have reserved. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findCard, memoryQuestion } from '../../src/setup/index.js';

const PERIOD_MS = 200;
const TIMEOUT_MS = 10_000;

const ask = promisify(execFile);

export interface Watched<T> {
  readonly value: T;
  /** Most in use meanwhile, above what was in use before, MiB; null where nvidia-smi gives no number. */
  readonly card_mib: number | null;
}

/** Watches a card while something runs, for which it waits at no time. @param card As CUDA_VISIBLE_DEVICES names it */
export async function watchingCard<T>(card: string, run: () => Promise<T>): Promise<Watched<T>> {
  const { args, read } = memoryQuestion(findCard(card), 'used');
  const ended = new AbortController();
  const { signal } = ended;
  /** MiB; NaN where nvidia-smi gives no number. */
  const used = async () => {
    try {
      return read((await ask('nvidia-smi', args, { timeout: TIMEOUT_MS, signal })).stdout);
    } catch {
      return Number.NaN;
    }
  };
  const before = await used();
  let most = before;
  const watch = async () => {
    while (!signal.aborted) {
      most = Math.max(most, (await used()) || 0);
      await delay(PERIOD_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const watching = Number.isNaN(before) ? undefined : watch();
  const value = await run().finally(() => ended.abort());
  await watching;
  return { value, card_mib: Number.isNaN(before) ? null : most - before };
}
