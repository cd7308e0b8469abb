/** What may pass when it is tried again, and how long to wait until then. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait between two tries, milliseconds, also where the server asks for more. */
const MAX_DELAY_MS = 30_000;

/** Of the request that did not come in time, of conflicts, and of requests too early or too many. */
const PASSING = [408, 409, 425, 429];

/** Whether an answer with this status may be another one next time. */
export const mayPass = (status: number): boolean => status >= 500 || PASSING.includes(status);

export interface Pause {
  /** Tries that have failed in a row, from 1: the wait doubles with each. */
  readonly failures: number;
  /** Wait after the first of them, milliseconds. */
  readonly delayMs: number;
  /** Wait that the server asks for, milliseconds; null where it asks for none. */
  readonly afterMs: number | null;
  readonly signal?: AbortSignal | null | undefined;
}

export const delayOf = ({ failures, delayMs, afterMs }: Omit<Pause, 'signal'>): number =>
  Math.min(MAX_DELAY_MS, afterMs ?? delayMs * 2 ** (failures - 1));

/** Waits until the next try. @throws the reason of the signal when it ends the wait */
export async function pause({ signal, ...tried }: Pause): Promise<void> {
  try {
    await sleep(delayOf(tried), undefined, signal == null ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
