/** Makes sure that set-up can write where it must, with enough room, before anything is downloaded. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../util/disk.js';
import { InputError, messageOf, SetupError } from '../util/errors.js';

const REMEDY = 'Set LORIKEET_CACHE to a folder that you can write';

/** Creates the folder if need be and writes a file to it. @throws SetupError when that fails. */
export function ensureWritable(folder: string): void {
  const probe = join(folder, `.write-${process.pid}`);
  try {
    makeFolder(folder);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const cause = error instanceof InputError ? error.cause : error;
    const problem = `cannot write there (${messageOf(cause)})`;
    throw new SetupError({ where: folder, problem, remedy: REMEDY }, { cause });
  }
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Bytes that this user can still write to the disk of a folder. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** @throws SetupError when the folder's disk has less than `needed` bytes free. */
export function ensureSpace(folder: string, needed: number): void {
  const free = freeBytes(folder);
  if (free >= needed) return;
  throw new SetupError({
    where: folder,
    problem: `${gigabytes(needed)} of disk space are needed, ${gigabytes(free)} are free`,
    remedy: 'Free some, or set LORIKEET_CACHE to a folder on a larger disk',
  });
}
