/** The lock between processes: one at a time, and dead holders are replaced. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import threads from 'node:worker_threads';
import { beforeEach, describe, expect, it } from 'vitest';
import { InterruptError } from '../../../src/util/errors.js';
import { keepLock, lockHolder, releaseLock, tryLock, withLock } from '../../../src/util/lock.js';
import { thisProcess } from '../../../src/util/process-identity.js';
import { rejectionOf } from '../../support/failures.js';
import { temporaryFolder } from '../../support/temporary.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, 'locks', 'a.lock');
});

const seven = () => Promise.resolve(7);

/** The lock file as this process writes it, with some of its fields changed. */
async function foreignLock(changes: object): Promise<void> {
  const mine = await withLock(path, async () => readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...JSON.parse(mine), token: 'other', ...changes }));
}

const gonePid = () => spawnSync(process.execPath, ['-e', '']).pid;

function age(seconds: number): void {
  const past = new Date(Date.now() - 1000 * seconds);
  utimesSync(path, past, past);
}

it.runIf(process.platform === 'linux')('that cannot be deleted hides no error of the work', () => {
  const file = join(folder, 'a.lock');
  const holder = { ...thisProcess(), token: 'mine' };
  writeFileSync(file, JSON.stringify(holder));
  const descriptor = openSync(file, 'r');
  // Files are read by these names, and not deleted.
  releaseLock(`/proc/self/fd/${descriptor}`, holder);
  closeSync(descriptor);
  expect(existsSync(file)).toBe(true);
  releaseLock(file, holder);
  expect(existsSync(file)).toBe(false);
});

it.runIf(process.platform === 'linux')('says why its file cannot be written', () => {
  expect(() => tryLock('/proc/self/a.lock')).toThrow(
    /^\/proc\/self\/a\.lock: cannot be written \(E.*\)\. Choose another place/,
  );
});

describe('withLock', () => {
  it('lets one in at a time, says whom it waits for, and removes the file', async () => {
    const events: string[] = [];
    const waits: number[] = [];
    const job = () =>
      withLock(
        path,
        async () => {
          events.push('in');
          await sleep(20);
          events.push('out');
        },
        { pollMs: 2, onWait: (pid) => waits.push(pid) },
      );
    await Promise.all([job(), job(), job()]);
    expect(events).toEqual(['in', 'out', 'in', 'out', 'in', 'out']);
    expect(waits).toEqual([process.pid, process.pid]);
    expect(existsSync(path)).toBe(false);
  });

  it('frees the lock when the work fails', async () => {
    const failing = withLock(path, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await withLock(path, seven)).toBe(7);
  });

  it('replaces a holder whose process is gone at once, also one whose pid was given again', async () => {
    for (const changes of [{ pid: gonePid() }, { start: '-1' }]) {
      await foreignLock(changes);
      let waited = 0;
      expect(await withLock(path, seven, { onWait: () => waited++ })).toBe(7);
      expect(waited).toBe(0);
    }
  });

  it('replaces a holder elsewhere only when it has stopped renewing', async () => {
    for (const place of [{ host: 'another-host' }, { namespace: 'pid:[1]' }]) {
      await foreignLock({ pid: gonePid(), ...place });
      const stop = new AbortController();
      setTimeout(() => stop.abort('SIGTERM'), 50);
      const blocked = withLock(path, seven, { pollMs: 5, signal: stop.signal });
      expect((await rejectionOf(InterruptError, blocked)).exitCode).toBe(143);
      age(61);
      expect(await withLock(path, seven)).toBe(7);
    }
  });

  it('counts a file that names nobody as a lock until it is two seconds old', async () => {
    expect(tryLock(path).isMine).toBe(true);
    writeFileSync(path, '');
    expect(tryLock(path)).toEqual({ isMine: false, holder: null });
    age(3);
    expect(await withLock(path, seven)).toBe(7);
  });
});

describe('keepLock', () => {
  /** Keeps this thread busy. */
  const busy = (ms: number) =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  const replaceWorker = (Worker: unknown) => {
    Object.assign(threads, { Worker });
    syncBuiltinESMExports();
  };
  const ageOf = () => (Date.now() - statSync(path).mtimeMs) / 1000;

  it('renews it also while the work leaves no time for it, until it is freed or taken over', async () => {
    const { holder } = tryLock(path, { isRenewed: true });
    const free = keepLock(path, holder!, 20);
    age(61);
    busy(2000);
    expect(ageOf()).toBeLessThan(30);
    writeFileSync(path, JSON.stringify({ ...holder, token: 'other' }));
    age(61);
    busy(200);
    free();
    expect(ageOf()).toBeGreaterThan(60);
  });

  it('holds it, and frees it, where no thread can be had', () => {
    const { Worker } = threads;
    const { holder } = tryLock(path, { isRenewed: true });
    replaceWorker(
      class {
        constructor() {
          throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
        }
      },
    );
    const free = keepLock(path, holder!);
    replaceWorker(Worker);
    expect(lockHolder(path)?.token).toBe(holder!.token);
    free();
    expect(existsSync(path)).toBe(false);
  });
});

it('of a process that lives on this machine is never taken over, however long ago it was renewed', () => {
  expect(tryLock(path, { isRenewed: true }).isMine).toBe(true);
  age(1e6);
  expect(tryLock(path, { isRenewed: true })).toMatchObject({
    isMine: false,
    holder: { pid: process.pid },
  });
});

it.runIf(process.platform === 'linux')('is never there without a name: no room for it', () => {
  const lock = new URL('../../../src/util/lock.ts', import.meta.url);
  const take = `import { tryLock } from '${lock}'; tryLock(process.argv.at(-1))`;
  const call = `trap '' XFSZ; ulimit -f 0; exec "$0" --import tsx --input-type=module -e "$1" "$2"`;
  const taken = spawnSync('bash', ['-c', call, process.execPath, take, path], {
    encoding: 'utf8',
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  });
  expect(taken.stderr).toContain(`${path}: cannot be written (EFBIG`);
  expect(readdirSync(dirname(path))).toEqual([]);
  expect(tryLock(path).isMine).toBe(true);
});

it('is never there without a name: while it is made', async () => {
  const lock = new URL('../../../src/util/lock.ts', import.meta.url);
  const take = `
    import { releaseLock, tryLock } from '${lock}';
    const path = process.argv.at(-1);
    const end = Date.now() + 1500;
    while (Date.now() < end) releaseLock(path, tryLock(path).holder);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', take, path];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const ended = once(child, 'exit');
  let [isDone, seen, empty] = [false, 0, 0];
  ended.then(() => {
    isDone = true;
  });
  while (!isDone) {
    for (let i = 0; i < 1000; i++) {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size !== undefined) seen++;
      if (size === 0) empty++;
    }
    await sleep(0);
  }
  expect(await ended).toEqual([0, null]);
  expect(seen).toBeGreaterThan(0);
  expect(empty).toBe(0);
  expect(readdirSync(dirname(path))).toEqual([]);
}, 20_000);

it('clears away what processes that were killed while they made it have left', () => {
  const part = `${path}.99999999.0a1b2c3d.part`;
  expect(tryLock(path).isMine).toBe(true);
  writeFileSync(part, '');
  expect(tryLock(path).isMine).toBe(false);
  rmSync(path);
  expect(tryLock(path).isMine).toBe(true);
  expect(readdirSync(dirname(path))).toEqual(['a.lock']);
});

describe('tryLock', () => {
  it('names the holder, never takes over one elsewhere, and frees only its own', async () => {
    const mine = tryLock(path);
    expect(mine.isMine).toBe(true);
    expect(tryLock(path)).toEqual({ isMine: false, holder: mine.holder });
    expect(lockHolder(path)?.pid).toBe(process.pid);
    await withLock(join(folder, 'b.lock'), seven);
    rmSync(path);
    await foreignLock({ host: 'another-host' });
    age(3600);
    expect(tryLock(path).isMine).toBe(false);
    if (mine.holder !== null) releaseLock(path, mine.holder);
    expect(lockHolder(path)?.host).toBe('another-host');
  });
});
