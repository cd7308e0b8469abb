/**
 * A lock file between processes that set up the same thing. The holder renews the file's time; a lock whose
 * holder is gone is taken over. It saves work and is not needed for correctness: every process builds in a
 * folder of its own and renames it into place.
 */
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopError } from './stop.js';

interface Holder {
  readonly pid: number;
  /** Host and process namespace: a pid means something only inside it. */
  readonly place: string;
  readonly token: string;
}

const RENEW_MS = 5_000;
const STALE_MS = 30_000;
const POLL_MS = 250;

function place(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Null when the lock is gone or its file is still being written. */
function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isStale(path: string, holder: Holder | null): boolean {
  if (holder !== null && holder.place === place() && !isAlive(holder.pid)) return true;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS;
}

/** Takes a stale lock away, unless another process has just done so and holds a fresh one. */
function breakLock(path: string, stale: Holder | null): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readHolder(aside)?.token !== stale?.token) linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Shows that the holder is alive; a lock that was taken over is left alone. */
function renewLock(path: string, mine: Holder): void {
  if (readHolder(path)?.token !== mine.token) return;
  try {
    utimesSync(path, new Date(), new Date());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function tryAcquire(path: string, holder: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function acquire(path: string, options: LockOptions): Promise<Holder> {
  const mine: Holder = { pid: process.pid, place: place(), token: randomUUID() };
  let said = false;
  while (!tryAcquire(path, mine)) {
    const holder = readHolder(path);
    if (isStale(path, holder)) {
      breakLock(path, holder);
      continue;
    }
    if (!said && holder !== null) options.onWait(holder.pid);
    said ||= holder !== null;
    if (options.signal?.aborted) throw stopError(options.signal);
    await sleep(POLL_MS);
  }
  return mine;
}

export interface LockOptions {
  /** Called once when another process holds the lock. */
  readonly onWait: (pid: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `work` while holding the lock file `path`; waits for a living holder. The folder must exist. */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const mine = await acquire(path, options);
  const renewal = setInterval(() => renewLock(path, mine), RENEW_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    if (readHolder(path)?.token === mine.token) rmSync(path, { force: true });
  }
}
