/** A disk that fills up while a checkpoint is written, made by a limit on the size of files. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from '../../../src/train/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { largeState, largeStore } from './checkpoint-states.js';

const CHILD = fileURLToPath(new URL('full-disk-child.ts', import.meta.url));

/** Runs the child; files may have so many KiB. */
function saveWithin(kib: number | 'unlimited', dir: string): string {
  const call = `trap '' XFSZ; ulimit -f ${kib}; exec "$0" --import tsx "$1" "$2"`;
  return execFileSync('bash', ['-c', call, process.execPath, CHILD, dir], {
    encoding: 'utf8',
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  });
}

// The files of a checkpoint have 391 KiB each.
test('the last good checkpoint stays whole', async () => {
  const dir = temporaryFolder();
  const store = largeStore(dir);
  const good = await saveCheckpoint(store, largeState(5));
  expect(saveWithin(100, dir)).toMatch(/^RunError: .*step-000010: the checkpoint was not written/);
  expect(readdirSync(dir)).toEqual(['step-000005']);
  expect(loadCheckpoint(good, store)).toEqual(largeState(5));
  expect(saveWithin('unlimited', dir)).toBe('saved');
  expect(listCheckpoints(dir).map((path) => path.slice(-2))).toEqual(['10']);
});
