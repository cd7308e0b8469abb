/** Keeps two processes from writing into one run folder. */
import { join } from 'node:path';
import { RunError } from '../../util/errors.js';
import { heldError } from '../../util/in-use.js';
import { isHeldBy, type LockHolder, lockHolder, releaseLock, tryLock } from '../../util/lock.js';

export const LOCK_FILE = 'run.lock';

const lockPath = (dir: string) => join(dir, LOCK_FILE);

/**
 * Takes the lock of `dir`.
 * @throws InputError when a living process holds it
 */
export function lockRun(dir: string): LockHolder {
  const { isMine, holder } = tryLock(lockPath(dir));
  if (isMine) return holder;
  throw runHeld(dir, holder);
}

export const unlockRun = (dir: string, lock: LockHolder): void => releaseLock(lockPath(dir), lock);

/**
 * What `work` gives, which no other process writing into `dir` disturbs.
 * @throws InputError when a living process holds it
 */
export function holdingRun<T>(dir: string, work: () => T): T {
  const lock = lockRun(dir);
  try {
    return work();
  } finally {
    unlockRun(dir, lock);
  }
}

export const holdsRun = (dir: string, lock: LockHolder): boolean => isHeldBy(lockPath(dir), lock);

/** @throws RunError where the lock is gone: the folder was moved or deleted, or is another process's by now */
export function assertHeld(dir: string, lock: LockHolder): void {
  if (holdsRun(dir, lock)) return;
  throw new RunError({
    where: dir,
    problem: `its ${LOCK_FILE} is gone: the folder was moved, deleted or taken while this run wrote into it`,
    remedy: 'Put it back and go on with resume=auto, or begin anew in another output_dir',
  });
}

/** Whether a living process writes into `dir`. */
export const isLocked = (dir: string): boolean => lockHolder(lockPath(dir)) !== null;

/** @throws InputError when a living process holds the lock of `dir` */
export function assertUnlocked(dir: string): void {
  const holder = lockHolder(lockPath(dir));
  if (holder !== null) throw runHeld(dir, holder);
}

const runHeld = (dir: string, holder: LockHolder | null) =>
  heldError(lockPath(dir), {
    where: dir,
    holder,
    writes: 'into this folder',
    another: 'output_dir',
  });
