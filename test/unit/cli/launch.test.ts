/** Stages as child processes: results, exit codes, signals, and what happens when the parent dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { lastJson, stageLauncher } from '../../../src/cli/launch.js';
import { temporaryFile, temporaryFolder } from '../../support/temporary.js';

const tsx = [process.execPath, '--import', 'tsx'];
const source = (path: string) => JSON.stringify(pathToFileURL(`src/${path}`).href);

/** A program that does what the word it gets as command says. */
const PROGRAM = `
import { writeFileSync } from 'node:fs';
import { catchSignals } from ${source('cli/signals.ts')};
const [what, file, ...flags] = process.argv.slice(2);
const { signal, stopsInOrder, exitCode } = catchSignals(() => {});
if (what === 'result') {
  console.log('a line of data');
  console.log(JSON.stringify({ file, flags }));
  process.exit(0);
}
if (what === 'fail') process.exit(2);
if (what === 'crash') process.kill(process.pid, 'SIGKILL');
if (what !== 'early') stopsInOrder();
writeFileSync(file + '.ready', String(process.pid));
// What blocks the event loop keeps signals waiting.
if (what === 'busy' || what === 'early') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
const end = (how) => {
  writeFileSync(file + '.ended', how + ' ' + signal.reason);
  process.exit(exitCode() ?? 0);
};
signal.addEventListener('abort', () => what === 'wait' && end('saved'));
setTimeout(() => end('timeout'), 20_000);
`;

const program = () => [...tsx, temporaryFile(PROGRAM, 'program.mts')];
const configFile = () => join(temporaryFolder(), 'stage.yaml');

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await sleep(50);
  expect(condition()).toBe(true);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('lastJson', () => {
  it('reads the last line, and null where it is no JSON', () => {
    expect(lastJson('x\n{"a":1}\n')).toEqual({ a: 1 });
    expect(lastJson('{"a":1}\nx\n')).toBeNull();
    expect(lastJson('')).toBeNull();
  });
});

describe('stageLauncher', () => {
  const launch = (command: string, file: string, signal = new AbortController().signal) =>
    stageLauncher(program())({ command, configFile: file, signal, log: () => {} });

  it('hands over the config and brings back the result', async () => {
    expect(await launch('result', 'c.yaml')).toEqual({
      exitCode: 0,
      result: { file: 'c.yaml', flags: ['--json'] },
    });
  });

  it('brings back exit codes, also of a child that was killed', async () => {
    expect(await launch('fail', 'c.yaml')).toEqual({ exitCode: 2, result: null });
    const crashed = { exitCode: 1, killedBy: 'SIGKILL', result: null };
    expect(await launch('crash', 'c.yaml')).toEqual(crashed);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('passes %s on, once, and the child ends when it has saved', async (name, exitCode) => {
    const file = configFile();
    const controller = new AbortController();
    const outcome = launch('wait', file, controller.signal);
    await until(() => existsSync(`${file}.ready`));
    controller.abort(name);
    expect((await outcome).exitCode).toBe(exitCode);
    expect(readFileSync(`${file}.ended`, 'utf8')).toBe(`saved ${name}`);
  });
});

describe('a stage whose parent is killed', () => {
  it('stops as on SIGTERM', async () => {
    const file = configFile();
    const parent = temporaryFile(
      `import { stageLauncher } from ${source('cli/launch.ts')};
       await stageLauncher(${JSON.stringify(program())})({
         command: 'wait', configFile: ${JSON.stringify(file)},
         signal: new AbortController().signal, log: () => {},
       });`,
      'parent.mts',
    );
    const [executable = '', ...leading] = tsx;
    const child = spawn(executable, [...leading, parent], { stdio: 'ignore' });
    await until(() => existsSync(`${file}.ready`));
    child.kill('SIGKILL');
    // The file is there before its text is.
    const ended = () => (existsSync(`${file}.ended`) ? readFileSync(`${file}.ended`, 'utf8') : '');
    await until(() => ended() !== '');
    expect(ended()).toBe('saved SIGTERM');
  });
});

describe('signals', () => {
  const start = (what: string, file: string, npmCommand?: string): ChildProcess => {
    const [executable = '', ...leading] = program();
    const env = { ...process.env, npm_command: npmCommand };
    return spawn(executable, [...leading, what, file], { stdio: 'ignore', env });
  };

  it('end the process at once when they come twice', async () => {
    const file = configFile();
    const child = start('stubborn', file);
    await until(() => existsSync(`${file}.ready`));
    const pid = Number(readFileSync(`${file}.ready`, 'utf8'));
    child.kill('SIGINT');
    await sleep(300);
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    expect(existsSync(`${file}.ended`)).toBe(false);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends at once what has nothing to save, amid a computation',
    async (signal) => {
      const file = configFile();
      const child = start('early', file);
      await until(() => existsSync(`${file}.ready`));
      const sent = performance.now();
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([null, signal]);
      expect(performance.now() - sent).toBeLessThan(1500);
    },
  );

  it.each([
    ['one computation kept both waiting', ['busy'], [500, 2500]],
    ['npm passes the Ctrl-C of the terminal on', ['stubborn', 'exec'], [20, 700]],
  ] as const)('count once where %s', async (_, [what, npmCommand], pauses) => {
    const file = configFile();
    const child = start(what, file, npmCommand);
    await until(() => existsSync(`${file}.ready`));
    const pid = Number(readFileSync(`${file}.ready`, 'utf8'));
    for (const ms of pauses) {
      child.kill('SIGINT');
      await sleep(ms);
    }
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGINT');
    expect((await once(child, 'exit'))[0]).toBe(130);
  });
});
