import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureSpace, ensureWritable, freeBytes } from '../../../src/setup/place.js';
import { SetupError } from '../../../src/util/errors.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = temporaryFolder();

test('a folder that can be made is made, and nothing is left in it', () => {
  const path = join(folder, 'a', 'b');
  ensureWritable(path);
  expect(existsSync(path)).toBe(true);
  expect(readdirSync(path)).toEqual([]);
});

test('a folder that cannot be written to is an error with the way out', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const path = join(file, 'cache');
  expect(() => ensureWritable(path)).toThrow(SetupError);
  expect(() => ensureWritable(path)).toThrow(`${path}: cannot write there (EEXIST`);
  expect(() => ensureWritable(path)).toThrow('Set LORIKEET_CACHE to a folder that you can write');
});

test.skipIf(!existsSync('/proc'))('a place without folders ends the attempt to make one', () => {
  expect(() => ensureWritable('/proc/cache')).toThrow('/proc/cache: cannot write there (ENOENT');
});

test('too little disk space is an error that says how much is needed', () => {
  expect(() => ensureSpace(folder, 1)).not.toThrow();
  expect(() => ensureSpace(folder, 5e18)).toThrow('5000000000.0 GB of disk space are needed');
  expect(() => ensureSpace(folder, 5e18)).toThrow('LORIKEET_CACHE');
  expect(freeBytes(folder)).toBeGreaterThan(0);
});
