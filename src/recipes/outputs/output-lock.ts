/**
 * Keeps two processes from writing one output file, and clears what a killed one has left of it and of its
 * companions.
 */
import { rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { removePartsOf } from '../../util/atomic-file.js';
import { checkFolderPlace, makeFolder } from '../../util/disk.js';
import { filePlace, placeOf } from '../../util/file-place.js';
import { heldError } from '../../util/in-use.js';
import { keepLock, tryLock } from '../../util/lock.js';

/** What is written beside an output, behind its name. */
const COMPANIONS = ['.stats.json', '.bandit.json', '.attempts.jsonl'];

interface Locking {
  /** Else it is a file. */
  readonly isFolder?: boolean;
  /** Of the config, that names the output. */
  readonly key?: string;
  /** Files under other names that are written with the output. */
  readonly beside?: readonly string[];
}

/**
 * Gives what frees the output again, and takes back folders that were made for it and hold nothing. The
 * lock lies beside a folder, by any spelling: in it, it would be in the way.
 * @throws InputError when another process writes it, its folder cannot be written in, or a file it should be is none
 */
export function lockOutput(
  output: string,
  { isFolder = false, key = 'output', beside = [] }: Locking = {},
): () => void {
  const lock = `${isFolder ? placeOf(output) : filePlace(output)}.lock`;
  checkFolderPlace(dirname(lock));
  const made = makeFolder(dirname(lock));
  const { isMine, holder } = tryLock(lock, { isRenewed: true });
  if (!isMine) throw heldError(lock, { where: key, holder, writes: output, another: key });
  removePartsOf([...['', ...COMPANIONS].map((end) => output + end), ...beside]);
  const release = keepLock(lock, holder);
  return () => {
    release();
    removeEmpty(made);
  };
}

/** Takes back folders that were made, the deepest first, as far as nothing is in them. */
function removeEmpty(made: readonly string[]): void {
  try {
    for (const folder of made) rmdirSync(folder);
  } catch {}
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
