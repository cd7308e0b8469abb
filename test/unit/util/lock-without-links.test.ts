/** The lock between processes where the file system makes no links, or says so of one that it made. */
import fs, { readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { releaseLock, tryLock } from '../../../src/util/lock.js';
import { temporaryFolder } from '../../support/temporary.js';

const { linkSync, copyFileSync } = fs;

function answer(calls: Partial<typeof fs>): void {
  Object.assign(fs, calls);
  syncBuiltinESMExports();
}

afterEach(() => answer({ linkSync, copyFileSync }));

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}

it.each([
  // A mount that belongs to another user: no links, and a copy cannot have the mode of the file.
  ['neither links nor modes', { linkSync: () => fail('EPERM'), copyFileSync: () => fail('EPERM') }],
  [
    'links made that are said to have been there',
    {
      linkSync: (file: fs.PathLike, path: fs.PathLike) => {
        linkSync(file, path);
        fail('EEXIST');
      },
    },
  ],
])('is held by one at a time: %s', (_, calls) => {
  const path = join(temporaryFolder(), 'a.lock');
  answer(calls);
  const mine = tryLock(path);
  expect(mine.isMine).toBe(true);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(mine.holder);
  expect(tryLock(path)).toEqual({ isMine: false, holder: mine.holder });
  if (mine.isMine) releaseLock(path, mine.holder);
  expect(readdirSync(dirname(path))).toEqual([]);
  expect(tryLock(path).isMine).toBe(true);
});
