/** Snippets and sessions in a real sandbox, or without walls where there is none. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPythonSandbox, type PythonSandbox } from '../../../src/sandbox/index.js';
import type { Isolation } from '../../../src/sandbox/python-sandbox.js';
import { messageOf } from '../../../src/util/errors.js';
import { noPython, noSandbox, skippedFor } from '../../support/python.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Processes whose command line has a text. */
function processes(text: string): { pid: number; parent: number }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.includes(text) ? [{ pid, parent: Number(parent) }] : [];
    } catch {
      return [];
    }
  });
}

/** Supervisors that this process has started. */
const supervisors = () => processes('supervisor.py').filter(({ parent }) => parent === process.pid);

const kinds: readonly { isolation: Isolation; missing: string | null }[] = [
  { isolation: 'bubblewrap', missing: noSandbox },
  { isolation: 'none', missing: process.platform === 'linux' ? noPython : 'not Linux' },
];

const named = kinds.map((kind) => ({
  ...kind,
  title: `${kind.isolation}${skippedFor(kind.missing)}`,
}));

describe.each(named)('isolation $title', ({ isolation, missing }) => {
  const skip = missing !== null;
  let sandbox: PythonSandbox;
  const t = test.skipIf(skip);

  beforeAll(async () => {
    if (!skip)
      sandbox = await createPythonSandbox({ isolation, preload: ['fractions', 'no_such'] });
  });

  afterAll(async () => {
    if (!skip) await sandbox.dispose();
  });

  t('prints, and shows the last expression like a notebook when asked', async () => {
    const code = 'print(1 + 1)\n"a" * 3';
    const shown = await sandbox.run({ code, showLast: true });
    expect(shown).toMatchObject({ status: 'ok', stdout: "2\n'aaa'\n", error: null });
    expect((await sandbox.run({ code })).stdout).toBe('2\n');
    expect((await sandbox.run({ code: 'None', showLast: true })).stdout).toBe('');
    expect(await sandbox.missing()).toEqual(['no_such']);
  });

  t('an exception gives the traceback from the snippet on, and its last line', async () => {
    const { status, error, stderr } = await sandbox.run({ code: 'def f():\n  return 1 / 0\nf()' });
    expect({ status, error }).toEqual({
      status: 'error',
      error: 'ZeroDivisionError: division by zero',
    });
    expect(stderr).toMatch(/^Traceback \(most recent call last\):\n {2}File "<snippet>", line 3/);
    expect(await sandbox.run({ code: 'a = (' })).toMatchObject({
      status: 'error',
      error: expect.stringMatching(/^SyntaxError: /),
    });
    expect(await sandbox.run({ code: 'raise SystemExit(3)' })).toMatchObject({
      status: 'error',
      error: 'SystemExit: 3',
    });
  });

  t('reads standard input and files, in a folder that is empty each time', async () => {
    const code = 'import os\nprint(input(), open("a/b.txt").read(), sorted(os.listdir()))';
    const first = await sandbox.run({ code, stdin: 'é\n', files: { 'a/b.txt': 'x\r\ny' } });
    expect(first.stdout).toBe("é x\ny ['a']\n");
    const second = await sandbox.run({ code: 'import os\nprint(os.listdir())' });
    expect(second.stdout).toBe('[]\n');
    await expect(sandbox.run({ code: '', files: { '../x': '' } })).rejects.toThrow(
      'files: "../x" is no path inside the working folder',
    );
  });

  t('calls a function, and gives back what JSON can carry', async () => {
    const code = 'def grade(sample, item):\n  return [sample["x"] + item, None]';
    const call = { name: 'grade', args: [{ x: 0.25 }, 2] };
    expect(await sandbox.run({ code, call })).toMatchObject({ status: 'ok', value: [2.25, null] });
    const nan = await sandbox.run({
      code: 'f = lambda: float("nan")',
      call: { name: 'f', args: [] },
    });
    expect(nan).toMatchObject({ status: 'error', error: expect.stringMatching(/^ValueError/) });
    expect(await sandbox.run({ code: '', call: { name: 'f', args: [] } })).toMatchObject({
      status: 'error',
      error: "KeyError: 'f'",
    });
  });

  t('snippets share no variables and no random numbers, and repeat exactly', async () => {
    const draw = { code: 'import random\nprint(random.random())' };
    const [a, b] = await Promise.all([sandbox.run(draw), sandbox.run(draw)]);
    expect(a?.stdout).toBe(b?.stdout);
    await sandbox.run({ code: 'import fractions\nfractions.marked = 1' });
    const { stdout } = await sandbox.run({
      code: 'import fractions\nprint(hasattr(fractions, "marked"))',
    });
    expect(stdout).toBe('False\n');
  });

  t('more snippets than workers wait for their turn', async () => {
    const codes = Array.from({ length: 8 }, (_, i) => `print(${i})`);
    const results = await Promise.all(codes.map((code) => sandbox.run({ code })));
    expect(results.map(({ stdout }) => stdout)).toEqual(codes.map((_, i) => `${i}\n`));
  });

  t('a session carries its state, and a killed block leaves the state before it', async () => {
    const session = await sandbox.openSession();
    const run = (code: string) => session.run({ code, showLast: true, timeoutMs: 1000 });
    try {
      await run('a = 1');
      expect((await run('a += 1\na')).stdout).toBe('2\n');
      expect(await run('a = 10\n1 / 0')).toMatchObject({ status: 'error', stateLost: false });
      expect((await run('a')).stdout).toBe('10\n');
      const timeout = await session.run({ code: 'a = 0\nwhile True: pass', timeoutMs: 200 });
      expect(timeout).toMatchObject({ status: 'timeout', stateLost: false });
      const crash = await run('a = 0\nimport os, signal\nos.kill(os.getpid(), signal.SIGSEGV)');
      expect(crash.error).toBe('the process was ended by SIGSEGV');
      expect((await run('a')).stdout).toBe('10\n');
    } finally {
      await session.close();
    }
    const other = await sandbox.openSession();
    expect((await other.run({ code: 'a' })).error).toMatch(/^NameError/);
    await other.close();
  });

  t('a supervisor that is gone is replaced', async () => {
    const first = await sandbox.run({ code: 'print(1)' });
    expect(first.status).toBe('ok');
    for (const { pid } of supervisors()) process.kill(pid, 'SIGKILL');
    const next = async () => (await sandbox.run({ code: 'print(2)' })).stdout;
    await vi.waitUntil(async () => (await next()) === '2\n', { timeout: 30_000 });
  });

  t('is closed for good, with what runs, starts and waits, and leaves nothing', async () => {
    const folder = temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    const own = await createPythonSandbox({ isolation, workers: 1 });
    const session = await own.openSession();
    await session.run({ code: 'a = 1' });
    const endless = { code: 'while True: pass', timeoutMs: 60_000 };
    const running = session.run(endless);
    const starting = own.run({ code: 'print(1)' }).catch(messageOf);
    const waiting = own.run({ code: 'print(2)' }).catch(messageOf);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await own.dispose();
    vi.unstubAllEnvs();
    expect(await Promise.all([starting, waiting])).toEqual(Array(2).fill('the sandbox is closed'));
    expect((await running).error).toBe('the sandbox ended early');
    expect(readdirSync(folder)).toEqual([]);
    await expect.poll(() => processes(folder)).toEqual([]);
    await expect(own.run({ code: '' })).rejects.toThrow('the sandbox is closed');
    await expect(own.openSession()).rejects.toThrow('the sandbox is closed');
  });

  t('is closed at whatever moment of its start', async () => {
    const others = supervisors().length;
    for (let delay = 0; delay < 24; delay++) {
      const own = await createPythonSandbox({ isolation });
      const first = own.run({ code: 'print(1)' }).catch(messageOf);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await own.dispose();
      await first;
      expect(supervisors().length).toBe(others);
    }
  });
});

test('other systems than Linux are refused, and nothing is promised of sandbox=none', async () => {
  const { platform } = process;
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  try {
    for (const isolation of ['none', 'bubblewrap'] as const) {
      const refused = await createPythonSandbox({ isolation }).catch(messageOf);
      expect(refused).toBe(
        'sandbox: Python code runs on Linux only, and this is darwin. Use Linux (a container on a Mac, WSL 2)',
      );
    }
  } finally {
    Object.defineProperty(process, 'platform', { value: platform });
  }
});
