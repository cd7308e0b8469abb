/**
 * The command line as a child process: started, signalled, and what came of it. It is the built one, which
 * starts in half the time, unless the sources are newer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../../src/util/files.js';

const BUILT = 'dist/cli/main.js';

function isBuilt(): boolean {
  const built = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });
  return sources.every((name) => statSync(join('src', name)).mtimeMs < built);
}

const PROGRAM = isBuilt() ? [BUILT] : ['--import', 'tsx', 'src/cli/main.ts'];

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  /** Lines of standard error. */
  readonly err: readonly string[];
}

export interface Started {
  readonly child: ChildProcess;
  readonly end: Promise<Outcome>;
}

type Environment = Readonly<Record<string, string>>;

export const start = (argv: readonly string[], env: Environment = {}): Started =>
  started([process.execPath, ...PROGRAM, ...argv], env);

/** No file may become larger than `kib`: a write beyond it fails, as on a full disk. */
export const startWithin = (kib: number, argv: readonly string[]): Started =>
  started([
    'bash',
    '-c',
    `trap '' XFSZ; ulimit -f ${kib}; exec "$0" "$@"`,
    process.execPath,
    ...PROGRAM,
    ...argv,
  ]);

function started([program, ...args]: readonly string[], env: Environment = {}): Started {
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const end = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    out: Buffer.concat(out).toString('utf8'),
    err: Buffer.concat(err).toString('utf8').trimEnd().split('\n'),
  }));
  return { child, end };
}

export const call = (argv: readonly string[], env: Environment = {}): Promise<Outcome> =>
  start(argv, env).end;

/** Sends `signal` as soon as `isDue`, and waits for the end. */
export async function interrupt(
  { child, end }: Started,
  signal: NodeJS.Signals,
  isDue: () => boolean,
): Promise<Outcome> {
  while (child.exitCode === null && child.signalCode === null && !isDue()) await sleep(2);
  child.kill(signal);
  return end;
}

/** Every file below `dir` with its content's hash: equal before and after means untouched. */
export function snapshot(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .map((entry) => [join(entry.parentPath, entry.name), entry.isFile()] as const)
      .map(([path, isFile]) => [path, isFile ? sha256(readFileSync(path)) : 'folder'] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
