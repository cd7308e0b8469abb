/**
 * A lock between processes: a file that only one of them can create. A holder that died (its process is
 * gone on this host, or its heartbeat stopped) is replaced, so a killed run never blocks the next one.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 5_000;
const STALE_MS = 120_000;
const STALE_TAKEOVER_MS = 10_000;

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void;
  /** Default 200. */
  readonly pollMs?: number;
}

/**
 * Runs `work` while holding the lock file at `path`; waits while another live process holds it.
 * @throws the signal's reason when aborted while waiting.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  { signal, onWait, pollMs = 200 }: LockOptions = {},
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const id = `${hostname()} ${process.pid} ${randomUUID()}`;
  for (let waits = 0; !createExclusive(path, id); waits++) {
    if (waits === 0) onWait?.();
    signal?.throwIfAborted();
    if (!removeIfStale(path)) await sleep(pollMs);
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if (readOwner(path) === id) rmSync(path, { force: true });
  }
}

function createExclusive(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Only one process at a time removes a stale lock, and it looks again before it does. */
function removeIfStale(path: string): boolean {
  if (!isStale(path)) return false;
  const takeover = `${path}.takeover`;
  if (!createExclusive(takeover, '')) {
    if (ageMs(takeover) > STALE_TAKEOVER_MS) rmSync(takeover, { force: true });
    return false;
  }
  try {
    if (isStale(path)) rmSync(path, { force: true });
  } finally {
    rmSync(takeover, { force: true });
  }
  return true;
}

function isStale(path: string): boolean {
  const owner = readOwner(path);
  if (owner === null) return false;
  if (ageMs(path) > STALE_MS) return true;
  const [host, pid] = owner.split(' ');
  return host === hostname() && !isAlive(Number(pid));
}

/** null: the file is gone; the empty string: its owner has not written its name yet. */
function readOwner(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
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

function ageMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs;
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The lock was taken over after a long stall; its new owner keeps it fresh.
  }
}
