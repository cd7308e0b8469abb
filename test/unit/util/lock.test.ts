/** The lock between processes: one at a time, and dead holders are replaced. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../../src/util/lock.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-lock-'));
  path = join(folder, 'locks', 'a.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('withLock', () => {
  it('lets one in at a time and removes the file', async () => {
    const events: string[] = [];
    const job = (name: string) =>
      withLock(
        path,
        async () => {
          events.push(`${name} in`);
          await sleep(20);
          events.push(`${name} out`);
        },
        { pollMs: 2 },
      );
    await Promise.all([job('a'), job('b'), job('c')]);
    expect(events.map((event) => event.split(' ')[1])).toEqual([
      'in',
      'out',
      'in',
      'out',
      'in',
      'out',
    ]);
    expect(existsSync(path)).toBe(false);
  });

  it('frees the lock when the work fails', async () => {
    const failing = withLock(path, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  it('replaces a holder whose process is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await withLock(path, async () => undefined);
    writeFileSync(path, `${hostname()} ${pid} old`);
    let waited = 0;
    expect(await withLock(path, async () => 7, { pollMs: 2, onWait: () => waited++ })).toBe(7);
    expect(waited).toBe(1);
  });

  it('replaces a holder elsewhere only when its heartbeat has stopped', async () => {
    await withLock(path, async () => undefined);
    writeFileSync(path, 'another-host 1 live');
    const signal = AbortSignal.timeout(100);
    await expect(withLock(path, async () => 7, { pollMs: 5, signal })).rejects.toThrow();
    const old = new Date(Date.now() - 300_000);
    utimesSync(path, old, old);
    expect(await withLock(path, async () => 7, { pollMs: 5 })).toBe(7);
  });
});
