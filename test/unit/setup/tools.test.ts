import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findCompiler, findPython } from '../../../src/setup/tools.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

function folderWith(programs: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(programs)) {
    shellProgram(join(folder, name), script);
  }
  return folder;
}

test('the compiler is CXX with its arguments, else c++, g++ or clang++', () => {
  const PATH = folderWith({ 'clang++': '', 'g++': '', ccache: '' });
  expect(findCompiler({ PATH })).toEqual({ program: join(PATH, 'g++'), args: [] });
  const named = { program: join(PATH, 'ccache'), args: ['g++', '-m64'] };
  expect(findCompiler({ PATH, CXX: 'ccache g++ -m64' })).toEqual(named);
});

test('a missing compiler is named, with the package to install', () => {
  const PATH = folderWith({ python3: '' });
  expect(() => findCompiler({ PATH })).toThrow(
    'C++ compiler: none on PATH (looked for c++, g++, clang++). Install one (Debian, Ubuntu: `apt install g++`)',
  );
  expect(() => findCompiler({ PATH, CXX: 'icpc' })).toThrow('CXX=icpc: no such program');
});

test('python3 is taken from PATH or LORIKEET_PYTHON, with the version of its pip', async () => {
  const PATH = folderWith({ python3: 'echo 3.12.1; echo 24.0', other: 'echo 3.9.2; echo 21.1' });
  const python = { program: join(PATH, 'python3'), version: '3.12.1', pip: '24.0' };
  await expect(findPython({ PATH })).resolves.toEqual(python);
  await expect(findPython({ PATH, LORIKEET_PYTHON: 'other' })).resolves.toMatchObject({
    version: '3.9.2',
  });
});

test('missing python3, missing pip and a broken python3 are told apart', async () => {
  await expect(findPython({ PATH: '' })).rejects.toThrow('python3: not found on PATH. Install it');
  const noPip = `echo 3.12.1; echo "ModuleNotFoundError: No module named 'pip'" >&2; exit 1`;
  const PATH = folderWith({ python3: noPip });
  await expect(findPython({ PATH })).rejects.toThrow(
    'Python 3.12.1 has no pip. Install it (Debian',
  );
  const broken = folderWith({ python3: 'exit 3' });
  await expect(findPython({ PATH: broken })).rejects.toThrow('does not work (exit code 3');
});
