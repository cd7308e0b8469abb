/**
 * Keeps two processes from writing into one run folder. The lock file names its process; a lock whose
 * process is gone (killed, machine restarted) is taken over.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../util/errors.js';

export const LOCK_FILE = 'run.lock';

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Start of the process in clock ticks since boot (Linux), so that a reused pid is told apart. */
  readonly start: string | null;
}

/**
 * Takes the lock of `dir`. The same process may take it again.
 * @throws InputError when a living process holds it
 */
export function lockRun(dir: string): void {
  const path = join(dir, LOCK_FILE);
  const { pid } = process;
  const me: LockOwner = { pid, host: hostname(), start: processStat(pid)?.start ?? null };
  for (;;) {
    try {
      writeFileSync(path, JSON.stringify(me), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    assertUnlocked(dir);
    discard(path);
  }
}

export function unlockRun(dir: string): void {
  rmSync(join(dir, LOCK_FILE), { force: true });
}

/** @throws InputError when another living process holds the lock of `dir` */
export function assertUnlocked(dir: string): void {
  const path = join(dir, LOCK_FILE);
  const owner = readOwner(path);
  if (owner === null || owner.pid === process.pid || !isAlive(owner)) return;
  throw new InputError({
    where: dir,
    problem: `process ${owner.pid} on ${owner.host} is writing into this folder`,
    remedy: `Wait for it, choose another output_dir, or delete ${path} if that process is gone`,
  });
}

/** Renamed before it is deleted, so that of two processes only one discards a given lock. */
function discard(path: string): void {
  const stale = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(path, stale);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  rmSync(stale, { force: true });
}

function readOwner(path: string): LockOwner | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
  } catch {
    return null; // written half by a process that died
  }
}

function isAlive({ pid, host, start }: LockOwner): boolean {
  if (host !== hostname()) return true; // cannot be known from here
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = processStat(pid);
  if (stat?.state === 'Z') return false; // killed, and not yet collected by its parent
  return start === null || stat?.start === start;
}

/** Fields 3 and 22 of `/proc/<pid>/stat`; null where there is no such file. */
function processStat(pid: number): { readonly state: string; readonly start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return null;
  }
}
