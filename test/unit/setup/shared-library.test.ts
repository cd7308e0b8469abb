/** A library takes its place when it is whole; the compiler is a script. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileLibrary } from '../../../src/setup/shared-library.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

function compileWith(test: string, script: string) {
  const folder = join(dir, test);
  mkdirSync(folder);
  // Above the largest number that Linux gives to a process.
  writeFileSync(join(folder, 'ops.so.part-99999999'), 'half');
  const program = shellProgram(join(dir, `${test}.sh`), script);
  const made = compileLibrary({
    compiler: { program, args: ['-x'] },
    args: ['a.cc'],
    library: join(folder, 'ops.so'),
    logFile: join(folder, 'compile.log'),
    env: process.env,
    signal: undefined,
  });
  return { folder, made };
}

it('is compiled beside its place, and what a dead process has left goes', async () => {
  const { folder, made } = compileWith('whole', 'echo "$1 $2" > "$4"');
  expect(await made).toBe(null);
  expect(readdirSync(folder)).toEqual(['ops.so']);
  expect(readFileSync(join(folder, 'ops.so'), 'utf8')).toBe('-x a.cc\n');
});

it('a refusal names the log, which has the command and the complaint', async () => {
  const { folder, made } = compileWith(
    'refused',
    'echo half > "$4"; echo no such thing >&2; exit 1',
  );
  const log = join(folder, 'compile.log');
  expect(await made).toContain(`see ${log}`);
  expect(readdirSync(folder)).toEqual(['compile.log']);
  expect(readFileSync(log, 'utf8')).toMatch(/refused\.sh -x a\.cc -o .*\nno such thing\n/);
});
