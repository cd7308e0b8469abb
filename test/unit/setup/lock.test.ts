import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withLock } from '../../../src/setup/lock.js';
import { InterruptError } from '../../../src/util/errors.js';

const newLock = () => join(mkdtempSync(join(tmpdir(), 'lorikeet-lock-')), 'x.lock');
const silent = { onWait: () => {} };

test('two callers run one after the other, and the second says whom it waits for', async () => {
  const path = newLock();
  const events: string[] = [];
  const caller = (name: string) =>
    withLock(path, { onWait: (pid) => events.push(`${name} waits for ${pid}`) }, async () => {
      events.push(`${name} in`);
      await sleep(100);
      events.push(`${name} out`);
    });
  await Promise.all([caller('a'), caller('b')]);
  expect(events).toContain(`b waits for ${process.pid}`);
  expect(events.filter((event) => !event.includes('waits'))).toEqual([
    'a in',
    'a out',
    'b in',
    'b out',
  ]);
  expect(existsSync(path)).toBe(false);
});

test('the lock is given back when the work fails', async () => {
  const path = newLock();
  const failing = withLock(path, silent, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  await expect(withLock(path, silent, () => Promise.resolve(7))).resolves.toBe(7);
});

/** The lock file as this process writes it, with some of its fields changed. */
async function foreignLock(path: string, changes: object): Promise<void> {
  const mine = await withLock(path, silent, () => Promise.resolve(readFileSync(path, 'utf8')));
  writeFileSync(path, JSON.stringify({ ...JSON.parse(mine), token: 'other', ...changes }));
}

test('a lock whose process is gone is taken over at once', async () => {
  const path = newLock();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await foreignLock(path, { pid });
  let waited = false;
  const work = () => Promise.resolve('done');
  await expect(withLock(path, { onWait: () => (waited = true) }, work)).resolves.toBe('done');
  expect(waited).toBe(false);
});

test('a lock of another machine is taken over only when it was not renewed for 30 seconds', async () => {
  const path = newLock();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await foreignLock(path, { pid, place: 'elsewhere' });
  const stop = new AbortController();
  setTimeout(() => stop.abort('SIGINT'), 600);
  const blocked = withLock(path, { ...silent, signal: stop.signal }, () => Promise.resolve());
  await expect(blocked).rejects.toBeInstanceOf(InterruptError);
  const past = new Date(Date.now() - 31_000);
  utimesSync(path, past, past);
  await expect(withLock(path, silent, () => Promise.resolve('done'))).resolves.toBe('done');
});

test('a file that a dying process left empty counts as a lock until it is old', async () => {
  const path = newLock();
  writeFileSync(path, '');
  const past = new Date(Date.now() - 31_000);
  utimesSync(path, past, past);
  await expect(withLock(path, silent, () => Promise.resolve('done'))).resolves.toBe('done');
});
