/**
 * Attacks from inside a real sandbox. Each must end within its time limit and get nothing, and the sandbox
 * must go on serving. Skipped where no sandbox can be made.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPythonSandbox, type PythonSandbox } from '../../../src/sandbox/index.js';
import { noSandbox, skippedFor } from '../../support/python.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Wall time of one attack, and what its end may take on top on a busy machine. */
const LIMIT_MS = 1500;
const SLACK_MS = 6000;

describe.skipIf(noSandbox !== null)(`attacks${skippedFor(noSandbox)}`, () => {
  let sandbox: PythonSandbox;
  const outside = temporaryFolder();
  const secret = join(outside, 'secret.txt');
  writeFileSync(secret, 'top secret');

  beforeAll(async () => {
    sandbox = await createPythonSandbox({ workers: 1 });
  });

  afterAll(() => sandbox.dispose());

  afterEach(async () => {
    expect((await sandbox.run({ code: 'print(6 * 7)' })).stdout).toBe('42\n');
    expect(readFileSync(secret, 'utf8')).toBe('top secret');
  });

  async function attack(code: string, limits: { memoryMiB?: number } = {}) {
    const start = performance.now();
    const result = await sandbox.run({ code, timeoutMs: LIMIT_MS, ...limits });
    expect(performance.now() - start).toBeLessThan(LIMIT_MS + SLACK_MS);
    return result;
  }

  test('the network is not there, not even the host by loopback', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.end('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { stdout } = await attack(`
import socket
for target in [('127.0.0.1', ${port}), ('192.0.2.1', 80)]:
    try: print(socket.create_connection(target, timeout=0.3).recv(10))
    except OSError as e: print('refused')
print([name for _, name in socket.if_nameindex()])`);
    await new Promise((resolve) => server.close(resolve));
    expect({ stdout, connections }).toEqual({
      stdout: "refused\nrefused\n['lo']\n",
      connections: 0,
    });
  });

  test('files of the user cannot be read, by any name', async () => {
    const paths = [
      secret,
      '/etc/passwd',
      '/etc/shadow',
      join(homedir(), '.bashrc'),
      '/proc/1/environ',
    ];
    const { stdout } = await attack(`
import os
for path in ${JSON.stringify(paths)}:
    try: print(open(path).read())
    except OSError as e: print('no')
os.symlink(${JSON.stringify(secret)}, 'link')
try: print(open('link').read())
except OSError as e: print('no')
print(os.path.exists('/proc/1/root/etc/passwd'), len(os.environ))`);
    expect(stdout).toMatch(/^(no\n){6}False \d+\n$/);
  });

  test('nothing outside the folders in memory can be written', async () => {
    const { stdout } = await attack(`
import os
for folder in ['/', '/usr', '/usr/lib', '/dev', '/proc', ${JSON.stringify(outside)}, os.path.dirname(os.__file__)]:
    try: open(folder + '/written', 'w'); print('wrote', folder)
    except OSError: pass
for path in ['/usr/bin/env', os.__file__]:
    try: open(path, 'a'); print('opened', path)
    except OSError: pass
open('here', 'w').write('x'); open('/tmp/there', 'w').write('x')
print('done')`);
    expect(stdout).toBe('done\n');
    expect(existsSync(join(outside, 'written'))).toBe(false);
    expect(existsSync('/tmp/there')).toBe(false);
    const after = await sandbox.run({
      code: 'import os; print(os.listdir(), os.path.exists("/tmp/there"))',
    });
    expect(after.stdout).toBe('[] False\n');
  });

  test('a fork bomb ends with its process limit or its time', async () => {
    const quiet = await attack(`
import os
while True:
    try: os.fork()
    except OSError: pass`);
    expect(['processes', 'timeout']).toContain(quiet.status);
    await attack(`
import subprocess
subprocess.run(['/bin/sh', '-c', 'f() { f | f & }; f; sleep 60'])`);
  });

  test('10 GiB cannot be had by one process, by several, or by files in memory', async () => {
    const one = await attack('x = bytearray(10 << 30)');
    expect(one).toMatchObject({ status: 'memory', error: 'MemoryError' });
    const several = await attack(
      `
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(100 << 20); time.sleep(60)
time.sleep(60)`,
      { memoryMiB: 128 },
    );
    expect(several).toMatchObject({ status: 'memory', error: 'memory limit exceeded' });
    const files = await attack(`
import os
written = 0
for folder in ['.', '/tmp', '/dev/shm']:
    for i in range(200):
        try: written += os.write(os.open(f'{folder}/{i}', os.O_CREAT | os.O_WRONLY), bytes(1 << 20))
        except OSError: break
print(written >> 20)`);
    expect(Number(files.stdout)).toBeLessThanOrEqual(64 + 64 + 16);
  });

  test('memory cannot be had outside of a process, where no limit counts it', async () => {
    const { stdout } = await attack(`
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
try: os.memfd_create('x'); print('memfd')
except OSError as e: print(e.strerror)
for name, args in [('shmget', (0, 1 << 20, 0o1600)), ('msgget', (0, 0o1600)), ('semget', (0, 1, 0o1600))]:
    print(name, getattr(libc, name)(*args), os.strerror(ctypes.get_errno()))`);
    const refused = 'Operation not permitted';
    const calls = ['shmget', 'msgget', 'semget'].map((name) => `${name} -1 ${refused}\n`);
    expect(stdout).toBe([`${refused}\n`, ...calls].join(''));
  });

  test('an endless loop ends by time, also when it ignores signals and exceptions', async () => {
    const { status, stdout } = await attack(`
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
print('started')
while True:
    try:
        while True: pass
    except BaseException: pass`);
    expect({ status, stdout }).toEqual({ status: 'timeout', stdout: 'started\n' });
    const native = await attack('10 ** 10 ** 10');
    expect(native.status).toMatch(/timeout|memory/);
  });

  test('1 GiB of output is cut at its limit', async () => {
    const { status, stdout, stderr } = await attack(`
import sys
for _ in range(1024): sys.stdout.write('x' * (1 << 20))`);
    expect(status).toBe('output');
    expect(stdout.length + stderr.length).toBeLessThanOrEqual(1 << 18);
    expect((await attack(`import os\nwhile True: os.write(2, bytes(65536))`)).status).toBe(
      'output',
    );
  });

  test('the parent cannot be killed, read, traced or answered for', async () => {
    const { stdout } = await attack(`
import ctypes, os, signal
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP):
    for pid in (1, os.getppid()):
        try: os.kill(pid, number)
        except OSError: pass
for path in ('/proc/1/mem', '/proc/1/fd', '/proc/1/maps'):
    try: print(path, os.listdir(path) if path.endswith('fd') else open(path, 'rb').read(1))
    except OSError: pass
libc = ctypes.CDLL(None, use_errno=True)
print('ptrace', libc.ptrace(16, 1, 0, 0), 'unshare', libc.unshare(0x10000000), 'mount', libc.mount(None, b'/', None, 0, None))
for descriptor in range(3, 64):
    try: os.write(descriptor, b'{"status": "ok", "stdout": "forged", "stderr": ""}\\n')
    except OSError: pass
print('still here')`);
    expect(stdout).toContain('ptrace -1 unshare -1 mount -1\n');
    expect(stdout).not.toContain('/proc/1');
    expect((await attack('import os, signal\nos.kill(-1, signal.SIGKILL)')).status).not.toBe('ok');
    const gone = await attack('import os\nos.closerange(0, 256)\nos._exit(0)');
    expect(gone).toMatchObject({ status: 'error', error: 'the process ended early (exit code 0)' });
  });

  test('links and odd folders do not mislead the clean-up', async () => {
    await attack(`
import os
os.symlink(${JSON.stringify(outside)}, 'outside')
os.symlink('/', 'root')
os.symlink('loop', 'loop')
os.makedirs('a/b/c'); os.symlink(${JSON.stringify(secret)}, 'a/b/c/secret'); os.chmod('a', 0)
try: os.rename('/scratch', '/tmp/scratch')
except OSError: pass
here = 'd'
for _ in range(300):
    os.mkdir('d'); os.chdir('d')`);
    const after = await sandbox.run({ code: 'import os; print(os.listdir("/scratch"))' });
    expect(after.stdout).toBe('[]\n');
  });

  test('processes that stay behind are ended', async () => {
    await attack(`
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.3)
        open('/tmp/late', 'w').write('x')
        while True: time.sleep(1)
    os._exit(0)`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const after = await sandbox.run({
      code: 'import os; print(os.path.exists("/tmp/late"), len([p for p in os.listdir("/proc") if p.isdigit()]))',
    });
    expect(after.stdout).toBe('False 2\n');
  });
});
