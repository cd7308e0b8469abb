/**
 * Keeps two processes from writing one output file, and clears what a killed one has left of it and of its
 * companions.
 */
import { resolve } from 'node:path';
import { removePartsOf } from '../../util/atomic-file.js';
import { heldError } from '../../util/in-use.js';
import { keepLock, tryLock } from '../../util/lock.js';

/** What is written beside an output, behind its name. */
const COMPANIONS = ['.stats.json', '.bandit.json', '.attempts.jsonl'];

interface Locking {
  /** Of the config, that names the output. */
  readonly key?: string;
  /** Files under other names that are written with the output. */
  readonly beside?: readonly string[];
}

/**
 * Gives what frees the output again. The lock lies beside a folder, by any spelling: in it, it would be in the way.
 * @throws InputError when another process writes it
 */
export function lockOutput(
  output: string,
  { key = 'output', beside = [] }: Locking = {},
): () => void {
  const lock = `${resolve(output)}.lock`;
  const { isMine, holder } = tryLock(lock, { isRenewed: true });
  if (!isMine) throw heldError(lock, { where: key, holder, writes: output, another: key });
  removePartsOf([...['', ...COMPANIONS].map((end) => output + end), ...beside]);
  return keepLock(lock, holder);
}

/** What `work` gives, while no other process writes the output. @throws as `lockOutput` */
export async function whileLocked<T>(
  output: string,
  work: () => Promise<T>,
  locking?: Locking,
): Promise<T> {
  const unlock = lockOutput(output, locking);
  try {
    return await work();
  } finally {
    unlock();
  }
}
