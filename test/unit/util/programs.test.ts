import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram } from '../../../src/util/programs.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

test('a program is found on PATH in its order, or by an absolute path', () => {
  const [first, second] = [temporaryFolder(), temporaryFolder()];
  for (const folder of [first, second]) shellProgram(join(folder, 'tool'), '');
  expect(findProgram('tool', { PATH: `/nowhere:${first}:${second}` })).toBe(join(first, 'tool'));
  expect(findProgram(join(second, 'tool'), { PATH: '' })).toBe(join(second, 'tool'));
});

test('a folder, a plain file and an unset PATH give no program', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'tool'));
  writeFileSync(join(folder, 'text'), '');
  expect(findProgram('tool', { PATH: folder })).toBeNull();
  expect(findProgram('text', { PATH: folder })).toBeNull();
  expect(findProgram('tool', {})).toBeNull();
});
