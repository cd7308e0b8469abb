import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram } from '../../../src/util/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

function folderWith(name: string | null): string {
  const folder = temporaryFolder();
  if (name === null) return folder;
  writeFileSync(join(folder, name), '#!/bin/sh\n');
  chmodSync(join(folder, name), 0o755);
  return folder;
}

test('a program is found on PATH in its order, or by an absolute path', () => {
  const first = folderWith('tool');
  const second = folderWith('tool');
  expect(findProgram('tool', { PATH: `/nowhere:${first}:${second}` })).toBe(join(first, 'tool'));
  expect(findProgram(join(second, 'tool'), { PATH: '' })).toBe(join(second, 'tool'));
});

test('a folder, a plain file and an unset PATH give no program', () => {
  const folder = folderWith(null);
  mkdirSync(join(folder, 'tool'));
  writeFileSync(join(folder, 'text'), '');
  expect(findProgram('tool', { PATH: folder })).toBeNull();
  expect(findProgram('text', { PATH: folder })).toBeNull();
  expect(findProgram('tool', {})).toBeNull();
});
