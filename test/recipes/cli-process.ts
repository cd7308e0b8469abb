/** The command line as a child process that runs to its end, or is killed on the way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Running {
  readonly child: ChildProcess;
  /** Exit code, null after a signal, and what the process wrote to standard error. */
  readonly end: Promise<{ readonly code: number | null; readonly log: string }>;
}

function start(argv: readonly string[]): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stderr!.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    log: Buffer.concat(chunks).toString('utf8'),
  }));
  return { child, end };
}

/** @throws Error with the log when the exit code is not 0. */
export async function lorikeet(...argv: readonly string[]): Promise<void> {
  const { code, log } = await start(argv).end;
  if (code !== 0) throw new Error(`lorikeet ${argv.join(' ')} ended with ${code}:\n${log}`);
}

/** When SIGKILL comes. */
export type Kill =
  /** `delayMs` after the process began. */
  | { readonly when: 'start'; readonly delayMs: number }
  /** `delayMs` after `metrics.jsonl` got its row `row`, counted from 1. */
  | { readonly when: 'row'; readonly row: number; readonly delayMs: number }
  /** While a checkpoint of step `from` or a later one is being written. */
  | { readonly when: 'checkpoint'; readonly from: number };

export interface KilledRun {
  /** False when the process had ended before the moment came. */
  readonly wasKilled: boolean;
  /** Rows of `metrics.jsonl` at the end. */
  readonly rows: number;
  /** A checkpoint folder was left half-written. */
  readonly isHalfWritten: boolean;
}

/** Runs the command line until the moment that `kill` names, and no further. */
export async function killedLorikeet(
  argv: readonly string[],
  { runDir, kill }: { readonly runDir: string; readonly kill: Kill },
): Promise<KilledRun> {
  const isDue = trigger(runDir, kill);
  const { child, end } = start(argv);
  let hasEnded = false;
  void end.then(() => {
    hasEnded = true;
  });
  while (!hasEnded && !isDue()) await sleep(1);
  if (kill.when !== 'checkpoint' && !hasEnded) await sleep(kill.delayMs);
  child.kill('SIGKILL');
  const { code, log } = await end;
  if (code !== null && code !== 0)
    throw new Error(`lorikeet ${argv[0]} ended with ${code}:\n${log}`);
  return {
    wasKilled: code === null,
    rows: rowsIn(runDir),
    isHalfWritten: halfWritten(runDir).length > 0,
  };
}

function trigger(runDir: string, kill: Kill): () => boolean {
  if (kill.when === 'start') return () => true;
  if (kill.when === 'row') return () => rowsIn(runDir) >= kill.row;
  const old = new Set(halfWritten(runDir));
  const names = Array.from({ length: 1000 }, (_, i) => stepName(kill.from + i));
  return () =>
    halfWritten(runDir).some((part) => !old.has(part) && names.includes(part.slice(0, 11)));
}

const stepName = (step: number) => `step-${String(step).padStart(6, '0')}`;

export function rowsIn(runDir: string): number {
  try {
    return readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** Names of unfinished checkpoints, each with its inode, so that a new one is told from an old one. */
function halfWritten(runDir: string): string[] {
  const folder = join(runDir, 'checkpoints');
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.part'))
      .map((name) => `${name} ${statSync(join(folder, name)).ino}`);
  } catch {
    return []; // no folder yet, or the checkpoint was finished between the two calls
  }
}
