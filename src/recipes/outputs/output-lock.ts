/**
 * Keeps two processes from writing one output file, and clears what a killed one has left of it and of its
 * companions.
 */
import { basename, dirname } from 'node:path';
import { removeParts } from '../../util/atomic-file.js';
import { InputError } from '../../util/errors.js';
import { type LockHolder, releaseLock, tryLock } from '../../util/lock.js';

/** What is written beside an output, behind its name. */
const COMPANIONS = ['.stats.json', '.bandit.json', '.attempts.jsonl'];

const lockPath = (output: string): string => `${output}.lock`;

/** @param key of the config that names the output. @throws InputError when another process writes it */
export function lockOutput(output: string, key = 'output'): LockHolder {
  const { isMine, holder } = tryLock(lockPath(output));
  if (!isMine) {
    throw new InputError({
      where: key,
      problem: `process ${holder?.pid ?? 'unknown'} is writing ${output}`,
      remedy: `Wait for it, or give another ${key}`,
    });
  }
  const own = ['', ...COMPANIONS].map((end) => basename(output) + end);
  removeParts(dirname(output), (name) => own.includes(name));
  return holder;
}

/** What `work` gives, while no other process writes the output. @throws as `lockOutput` */
export async function whileLocked<T>(
  output: string,
  work: () => Promise<T>,
  key?: string,
): Promise<T> {
  const lock = lockOutput(output, key);
  try {
    return await work();
  } finally {
    unlockOutput(output, lock);
  }
}

export const unlockOutput = (output: string, lock: LockHolder): void =>
  releaseLock(lockPath(output), lock);
