/**
 * A lock between processes: a file that only one of them can create, which names its holder. A lock whose
 * holder is gone is taken over, so a killed run never blocks the next one. Of a holder on another machine
 * nothing is known but the time at which it last renewed its lock.
 *
 * The holder's name is written beside the lock, which is a link to it: it is never there without a name.
 */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { partPath, removePartsOf } from './atomic-file.js';
import { makeFolder, writing } from './disk.js';
import { InterruptError } from './errors.js';
import { lifeOf, type ProcessIdentity, thisProcess } from './process-identity.js';
import { stopSignalOf } from './stop-signals.js';

const RENEW_MS = 5_000;
/** A lock from elsewhere that was not renewed for so long is taken over. */
const STALE_MS = 60_000;
/** Where links cannot be made: so long a file without a holder's name may be one that is just being written. */
const WRITING_MS = 2_000;
/** What file systems without links answer. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

export interface LockHolder extends ProcessIdentity {
  readonly token: string;
}

interface Staleness {
  /** Locks from elsewhere go stale; without it they are held until their file is deleted. */
  readonly isRenewed: boolean;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, with the holder's pid, when another process holds the lock. */
  readonly onWait?: (pid: number) => void;
  /** Milliseconds between looks; default 200. */
  readonly pollMs?: number;
}

/**
 * Runs `work` while holding the lock file at `path`; waits while another live process holds it.
 * @throws InterruptError, or the signal's own error, when aborted while waiting.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const release = keepLock(path, await acquire(path, options));
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Renews a lock that was taken with `isRenewed`, until it is freed by the function that this gives. A thread of its own
 * does that: the work may keep this one for longer than a lock lasts, as a file of many gigabytes that is written.
 */
export function keepLock(path: string, holder: LockHolder, everyMs = RENEW_MS): () => void {
  const renewal = renewalOf({ path, token: holder.token, everyMs });
  return () => {
    void renewal?.terminate();
    releaseLock(path, holder);
  };
}

/** Null where no thread can be had, as one process too many is refused: the work goes on. */
function renewalOf(workerData: object): Worker | null {
  try {
    const url = new URL('./lock-renewal.cjs', import.meta.url);
    const renewal = new Worker(url, { workerData, execArgv: [] }).on('error', () => {});
    renewal.unref();
    return renewal;
  } catch {
    return null;
  }
}

async function acquire(path: string, options: LockOptions): Promise<LockHolder> {
  const { signal, onWait, pollMs = 200 } = options;
  let said = false;
  for (;;) {
    const result = tryLock(path, { isRenewed: true });
    if (result.isMine) return result.holder;
    if (!said && result.holder !== null) onWait?.(result.holder.pid);
    said ||= result.holder !== null;
    if (signal?.aborted) throw abortError(signal, path);
    await sleep(pollMs);
  }
}

function abortError(signal: AbortSignal, path: string): Error {
  if (signal.reason instanceof Error) return signal.reason;
  const problem = 'stopped while waiting for this lock';
  return new InterruptError(stopSignalOf(signal), { where: path, problem });
}

type TryResult =
  | { readonly isMine: true; readonly holder: LockHolder }
  /** Null: its file is just being written. */
  | { readonly isMine: false; readonly holder: LockHolder | null };

/**
 * Takes the lock if no other live process holds it; else says who does.
 * @throws InputError when its folder cannot be made or written in, RunError when writing fails
 */
export function tryLock(path: string, staleness: Staleness = { isRenewed: false }): TryResult {
  makeFolder(dirname(path));
  const mine: LockHolder = { ...thisProcess(), token: randomUUID() };
  while (!create(path, mine)) {
    const holder = readHolder(path);
    if (!isStale(path, holder, staleness)) return { isMine: false, holder };
    discard(path, holder);
  }
  return { isMine: true, holder: mine };
}

/**
 * Frees the lock, unless another process has taken it over. One that cannot be deleted, as on a disk that has become
 * read-only, is stale once this process is gone, and hides no error of the work.
 */
export function releaseLock(path: string, holder: LockHolder): void {
  if (!isHeldBy(path, holder)) return;
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** Whether the lock is still that of the holder: neither taken over nor deleted, its folder included. */
export const isHeldBy = (path: string, { token }: LockHolder): boolean =>
  readHolder(path)?.token === token;

/** The process that holds a lock which is not renewed; null when it is free. */
export function lockHolder(path: string): LockHolder | null {
  const holder = readHolder(path);
  return isStale(path, holder, { isRenewed: false }) ? null : holder;
}

function create(path: string, holder: LockHolder): boolean {
  if (existsSync(path)) return false;
  const part = partPath(path);
  return writing(path, () => {
    try {
      writeFileSync(part, JSON.stringify(holder));
      // Network file systems may say that the name is taken when a repeated call finds what the first has made.
      if (!placed(part, path) && !isHeldBy(path, holder)) return false;
      removePartsOf([path]);
      return true;
    } finally {
      rmSync(part, { force: true });
    }
  });
}

/** Gives a file a second name; false where the name is taken, or a holder of the lock has cleared the file away. */
function placed(file: string, path: string): boolean {
  try {
    linkOrCopy(file, path);
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(codeOf(error))) return false;
    throw error;
  }
  return true;
}

/** Not by `copyFileSync`: it sets the mode, too, which mounts that belong to another user refuse. */
function linkOrCopy(file: string, path: string): void {
  try {
    linkSync(file, path);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error;
    writeFileSync(path, readFileSync(file), { flag: 'wx' });
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Null when the lock is gone, or where links cannot be made still being written, or left half by a process that died. */
function readHolder(path: string): LockHolder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  } catch {
    return null;
  }
}

function isStale(path: string, holder: LockHolder | null, { isRenewed }: Staleness): boolean {
  if (holder === null) return ageMs(path) > WRITING_MS;
  const life = lifeOf(holder);
  return life === 'gone' || (life === 'unknown' && isRenewed && ageMs(path) > STALE_MS);
}

/** Takes a stale lock away, unless another process has just done so and holds a fresh one. */
function discard(path: string, stale: LockHolder | null): void {
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(path, aside);
    if (readHolder(aside)?.token !== stale?.token) placed(aside, path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function ageMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs;
}
