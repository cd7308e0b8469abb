/**
 * Keeps two processes from writing one output file, and clears what a killed one has left of it and of its
 * companions.
 */
import { resolve } from 'node:path';
import { removePartsOf } from '../../util/atomic-file.js';
import { InputError } from '../../util/errors.js';
import { type LockHolder, releaseLock, tryLock } from '../../util/lock.js';

/** What is written beside an output, behind its name. */
const COMPANIONS = ['.stats.json', '.bandit.json', '.attempts.jsonl'];

/** Beside a folder, by any spelling: in it, it would be in the way. */
const lockPath = (output: string): string => `${resolve(output)}.lock`;

interface Locking {
  /** Of the config, that names the output. */
  readonly key?: string;
  /** Files under other names that are written with the output. */
  readonly beside?: readonly string[];
}

/** @throws InputError when another process writes it */
export function lockOutput(
  output: string,
  { key = 'output', beside = [] }: Locking = {},
): LockHolder {
  const { isMine, holder } = tryLock(lockPath(output));
  if (!isMine) {
    throw new InputError({
      where: key,
      problem: `process ${holder?.pid ?? 'unknown'} is writing ${output}`,
      remedy: `Wait for it, or give another ${key}`,
    });
  }
  removePartsOf([...['', ...COMPANIONS].map((end) => output + end), ...beside]);
  return holder;
}

/** What `work` gives, while no other process writes the output. @throws as `lockOutput` */
export async function whileLocked<T>(
  output: string,
  work: () => Promise<T>,
  locking?: Locking,
): Promise<T> {
  const lock = lockOutput(output, locking);
  try {
    return await work();
  } finally {
    unlockOutput(output, lock);
  }
}

export const unlockOutput = (output: string, lock: LockHolder): void =>
  releaseLock(lockPath(output), lock);
