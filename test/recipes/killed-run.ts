/** A training run by the command line, killed by SIGKILL at a chosen moment, or stopped by a full disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { call, interrupt, type Outcome, start, startWithin } from './command-line.js';

/** When SIGKILL comes, or what stops the run by itself. */
export type Kill =
  /** `delayMs` after the process began. */
  | { readonly when: 'start'; readonly delayMs: number }
  /** `delayMs` after `metrics.jsonl` got its row `row`, counted from 1. */
  | { readonly when: 'row'; readonly row: number; readonly delayMs: number }
  /** While the checkpoint of step `from` or a later one is being written. */
  | { readonly when: 'checkpoint'; readonly from: number }
  /** Never: a write fails that makes a file larger than this. */
  | { readonly when: 'full disk'; readonly kib: number };

export interface KilledRun {
  /** False when the process had ended before the moment came, or before a file was as large. */
  readonly wasStopped: boolean;
  /** A checkpoint folder was left half-written. */
  readonly isHalfWritten: boolean;
}

/** Runs to the end. @throws Error with the log when the exit code is not 0. */
export async function lorikeet(...argv: readonly string[]): Promise<void> {
  expectSuccess(argv, await call(argv));
}

/** Runs until the moment that `kill` names, and no further. */
export async function killedLorikeet(
  argv: readonly string[],
  { runDir, kill }: { readonly runDir: string; readonly kill: Kill },
): Promise<KilledRun> {
  if (kill.when === 'full disk') return onFullDisk(argv, { runDir, kib: kill.kib });
  const outcome = await interrupt(start(argv), 'SIGKILL', moment(runDir, kill));
  if (outcome.code !== null) expectSuccess(argv, outcome);
  return { wasStopped: outcome.code === null, isHalfWritten: partsIn(runDir).length > 0 };
}

/** A failed write is said with its cause and code 1, and leaves no half of a checkpoint of its own. */
async function onFullDisk(
  argv: readonly string[],
  { runDir, kib }: { readonly runDir: string; readonly kib: number },
): Promise<KilledRun> {
  const old = new Set(partsIn(runDir).map(({ inode }) => inode));
  const outcome = await startWithin(kib, argv).end;
  if (outcome.code === 0) return { wasStopped: false, isHalfWritten: false };
  const isSaid = outcome.err.some((line) => FULL.test(line));
  const isHalf = partsIn(runDir).some(({ inode }) => !old.has(inode));
  if (outcome.code !== 1 || !isSaid || isHalf) expectSuccess(argv, outcome);
  return { wasStopped: true, isHalfWritten: false };
}

/** What a write beyond the limit on file sizes is called. */
const FULL = /EFBIG|file too large/i;

function expectSuccess(argv: readonly string[], { code, err }: Outcome): void {
  if (code === 0) return;
  throw new Error(`lorikeet ${argv.join(' ')} ended with ${code}:\n${err.join('\n')}`);
}

function moment(runDir: string, kill: Exclude<Kill, { when: 'full disk' }>): () => boolean {
  if (kill.when === 'start') return delayed(kill.delayMs, () => true);
  if (kill.when === 'row') return delayed(kill.delayMs, () => rowsIn(runDir) >= kill.row);
  const old = new Set(partsIn(runDir).map(({ inode }) => inode));
  return () => partsIn(runDir).some(({ step, inode }) => step >= kill.from && !old.has(inode));
}

/** True from `ms` after `isDue` was first true. */
function delayed(ms: number, isDue: () => boolean): () => boolean {
  let since: number | null = null;
  return () => {
    if (since === null && isDue()) since = performance.now();
    return since !== null && performance.now() - since >= ms;
  };
}

export function rowsIn(runDir: string): number {
  try {
    return readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** Unfinished checkpoints; the inode tells a new one from one that was left behind. */
function partsIn(runDir: string): { readonly step: number; readonly inode: number }[] {
  const folder = join(runDir, 'checkpoints');
  try {
    return readdirSync(folder)
      .filter((name) => name.includes('.part-'))
      .map((name) => ({
        step: Number(/\d+/.exec(name)?.[0]),
        inode: statSync(join(folder, name)).ino,
      }));
  } catch {
    return []; // no folder yet, or the checkpoint was finished between the two calls
  }
}
