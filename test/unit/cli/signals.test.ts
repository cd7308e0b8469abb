/** What the end of a terminal does to a process. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporary.js';

/** Sends itself SIGHUP; says what it was asked to do, if it is still there. @param before Code that comes first */
function hungUp(before: string) {
  const code = `
    import { catchSignals } from './src/cli/signals.ts';
    ${before}
    const { signal, stopsInOrder, exitCode } = catchSignals(() => {});
    stopsInOrder();
    process.kill(process.pid, 'SIGHUP');
    setTimeout(() => console.log(signal.aborted, signal.reason ?? null, exitCode() ?? null), 200);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', code];
  const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { said: stdout.trim(), signal };
}

it('a run that logs to a terminal stops in order when that closes', () => {
  const { said, signal } = hungUp('process.stderr.isTTY = true;');
  expect({ said, signal }).toEqual({ said: 'true SIGHUP 129', signal: null });
});

it('a run that logs elsewhere goes on, as nohup asks', () => {
  expect(hungUp('')).toEqual({ said: 'false null null', signal: null });
});

it.skipIf(spawnSync('script', ['--version']).status !== 0)(
  'the end without the terminal that there was is a hang-up, no crash',
  async () => {
    const dir = temporaryFolder();
    const file = (name: string) => join(dir, name);
    writeFileSync(
      file('program.mjs'),
      `import { writeFileSync } from 'node:fs';
      import { end } from '${process.cwd()}/src/cli/end.ts';
      process.stdin.on('error', () => {}).on('close', () => end(0)).resume();
      writeFileSync('${file('started')}', '');`,
    );
    const program = `'${process.execPath}' --import tsx '${file('program.mjs')}'`;
    writeFileSync(file('run.sh'), `trap : HUP\n${program}\necho $? > '${file('code')}'\n`);
    const script = spawn('script', ['-qec', `sh '${file('run.sh')}'`, '/dev/null']);
    await expect.poll(() => existsSync(file('started')), { timeout: 10_000 }).toBe(true);
    script.kill('SIGKILL');
    const code = () => existsSync(file('code')) && readFileSync(file('code'), 'utf8').trim();
    await expect.poll(code, { timeout: 10_000 }).toBe('129');
  },
);
