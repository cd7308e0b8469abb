/** One running supervisor (python/supervisor.py), inside bubblewrap or without it; answers in order. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../util/errors.js';
import { bubblewrapArguments, WRITABLE_FOLDERS } from './bubblewrap.js';
import type { Interpreter } from './interpreter.js';

const SOURCES = fileURLToPath(new URL('./python', import.meta.url));

export interface SupervisorOptions {
  readonly python: Interpreter;
  /** Path of bwrap; null runs without walls. */
  readonly bubblewrap: string | null;
  /** Modules to import before the first snippet; those that are not there are left out. */
  readonly preload: readonly string[];
}

export interface Supervisor {
  /** Which modules could not be preloaded. */
  readonly missing: readonly string[];
  readonly isAlive: () => boolean;
  /** The answer, or null when the supervisor ended or had to be ended after `timeoutMs`. */
  ask(message: unknown, timeoutMs: number): Promise<unknown>;
  kill(): void;
}

const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/scratch',
  OPENBLAS_NUM_THREADS: '1',
  OMP_NUM_THREADS: '1',
  MPLBACKEND: 'Agg',
};

/** As root, every sandbox has a user that nobody else has, so that its processes are counted alone. */
const FIRST_UID = 0x4000_0000;
let nextUid = FIRST_UID + (process.pid % 0x10_0000) * 256;

/** Since Linux 5.14 a user namespace counts its own processes; before, and without one, the user's all count. */
function tasksCountedBefore({ bubblewrap }: SupervisorOptions): number {
  const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8')
    .split('.')
    .map(Number);
  const isCounted = bubblewrap === null || (major < 5 ? true : major === 5 && minor < 14);
  return 4 + (isCounted ? tasksOf(process.getuid?.() ?? 0) : 0);
}

function tasksOf(uid: number): number {
  let count = 0;
  for (const name of readdirSync('/proc').filter((item) => /^\d+$/.test(item))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) !== uid) continue;
      count += Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 1);
    } catch {
      // The process ended while the list was read.
    }
  }
  return count;
}

interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Working folder on the host, removed at the end; null inside bubblewrap. */
  readonly folder: string | null;
}

function launch(options: SupervisorOptions): Launch {
  const { python, bubblewrap, preload } = options;
  const isRoot = process.getuid?.() === 0;
  const folder = bubblewrap === null ? mkdtempSync(join(tmpdir(), 'lorikeet-python-')) : null;
  const config = {
    uid: bubblewrap !== null && isRoot ? nextUid++ : null,
    processes_before: tasksCountedBefore(options),
    folders: folder === null ? WRITABLE_FOLDERS : [folder],
    preload,
  };
  const script = join(SOURCES, 'supervisor.py');
  const command = [python.program, '-I', '-u', '-B', script, JSON.stringify(config)];
  if (bubblewrap === null) {
    const [program = '', ...args] = command;
    return { program, args, env: { ...ENVIRONMENT, HOME: folder ?? '' }, folder };
  }
  const folders = [...python.folders, SOURCES];
  const walls = bubblewrapArguments({ folders, isRoot, env: ENVIRONMENT });
  return { program: bubblewrap, args: [...walls, ...command], env: {}, folder };
}

const START_MS = 60_000;

/** A supervisor from its first moment on. */
export interface SupervisorProcess {
  /** Rejects with a SetupError when it does not start. */
  readonly ready: Promise<Supervisor>;
  /** When it is gone, with its folder. */
  readonly ended: Promise<void>;
  kill(): void;
}

export function startSupervisor(options: SupervisorOptions): SupervisorProcess {
  const { program, args, env, folder } = launch(options);
  const child = spawn(program, args, { env, detached: true, cwd: folder ?? '/' });
  const stderr: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 100) stderr.push(text);
  });
  const channel = openChannel(child);
  const ready = async (): Promise<Supervisor> => {
    const hello = await channel.next(START_MS);
    if (hello === null) {
      channel.kill();
      const why = stderr.join('').trim().split('\n').at(-1) ?? '';
      throw new SetupError({ where: program, problem: `the sandbox did not start: ${why}` });
    }
    return {
      missing: (hello as { missing: string[] }).missing,
      isAlive: channel.isAlive,
      kill: channel.kill,
      ask: (message, timeoutMs) => {
        child.stdin.write(`${JSON.stringify(message)}\n`);
        return channel.next(timeoutMs);
      },
    };
  };
  const ended = channel.ended.then(() => {
    if (folder !== null) removeFolder(folder);
  });
  return { ready: ready(), ended, kill: channel.kill };
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // A snippet that was killed can leave folders that nobody may look into.
  }
}

interface Channel {
  readonly isAlive: () => boolean;
  readonly ended: Promise<void>;
  /** The next line as JSON; null when the program ended first. It is killed after `timeoutMs`. */
  next(timeoutMs: number): Promise<unknown>;
  kill(): void;
}

/**
 * bwrap and what it has started, which ends with it only once that has asked for it: till then it is of bwrap's
 * group, and after a moment between the two it reads that its input is closed.
 */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

function openChannel(child: ChildProcessWithoutNullStreams): Channel {
  let isAlive = true;
  let waiting: ((line: string | null) => void) | null = null;
  const settle = (line: string | null) => {
    waiting?.(line);
    waiting = null;
  };
  const kill = () => {
    child.stdin.destroy();
    if (isAlive) killGroup(child);
  };
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isAlive = false;
      settle(null);
      resolve();
    };
    child.on('error', end).on('close', end);
  });
  // A write to a supervisor that has just ended fails; its end is what counts.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', settle);
  return {
    isAlive: () => isAlive,
    ended,
    kill,
    next: async (timeoutMs) => {
      if (!isAlive) return null;
      const timer = setTimeout(kill, timeoutMs);
      const line = await new Promise<string | null>((resolve) => {
        waiting = resolve;
      });
      clearTimeout(timer);
      return line === null ? null : JSON.parse(line);
    },
  };
}
