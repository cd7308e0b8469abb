/** The environment for Python graders, made by a python3 that only plays venv and pip. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { setUpPythonEnvironment } from '../../../src/setup/index.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const PYTHON = (log: string) => `
case "$*" in
  -c*) echo 3.12.0; echo 24.0 ;;
  *"-m venv"*) mkdir -p "$4/bin"; touch "$4/bin/python" ;;
  *no-such-package*) echo "ERROR: No matching distribution" >&2; exit 1 ;;
  *" install "*) echo "$*" >> ${log} ;;
  *freeze*) echo sympy==1.14.0; echo mpmath==1.3.0 ;;
esac`;

function setting() {
  const root = temporaryFolder();
  const log = join(root, 'log');
  const program = shellProgram(join(root, 'python3'), PYTHON(log));
  const folder = join(root, 'cache', 'graders');
  const observer = { log: () => {}, progress: () => {}, stepDone: () => {} };
  const setUp = (packages: readonly string[], force = false) =>
    setUpPythonEnvironment({
      folder,
      packages,
      force,
      observer,
      signal: undefined,
      env: { PATH: process.env.PATH, LORIKEET_PYTHON: program },
    });
  const installs = () =>
    existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0;
  return { folder, setUp, installs };
}

test('the environment is made once for the same packages, in any order', async () => {
  const { folder, setUp, installs } = setting();
  expect(await setUp(['sympy', 'numpy'])).toEqual({
    folder,
    python: '3.12.0',
    packages: ['sympy', 'numpy'],
    installed: ['sympy==1.14.0', 'mpmath==1.3.0'],
  });
  expect(existsSync(join(folder, 'bin', 'python'))).toBe(true);
  await setUp(['numpy', 'sympy']);
  expect(installs()).toBe(1);
  await setUp(['numpy']);
  expect(installs()).toBe(2);
  await setUp(['numpy'], true);
  expect(installs()).toBe(3);
});

test('a failure says why and leaves what was there', async () => {
  const { folder, setUp } = setting();
  await setUp(['sympy']);
  await expect(setUp(['no-such-package'])).rejects.toThrow(/No matching distribution/);
  expect(readdirSync(join(folder, '..'))).toEqual(['graders']);
  expect((await setUp(['sympy'])).packages).toEqual(['sympy']);
});
