/** What the end of a terminal does to a process. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

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
