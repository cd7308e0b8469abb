/** Runs a program without a shell or standard input, collecting what it prints. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stopError } from './stop.js';

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface ChildResult {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @returns also when the program fails; only one that cannot be started at all rejects.
 * @throws InterruptError when `signal` is aborted; the program is ended first.
 */
export async function runChild(
  program: string,
  args: readonly string[],
  { env, cwd, signal, onLine }: ChildOptions,
): Promise<ChildResult> {
  if (signal?.aborted) throw stopError(signal);
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  let stdout = '';
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    onLine?.(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  try {
    return await new Promise<ChildResult>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, killedBy) => {
        if (signal?.aborted) reject(stopError(signal));
        else resolve({ code, killedBy, stdout, stderr });
      });
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** How a failed program ended and the last telling line it printed, for an error message. */
export function failureOf({ code, killedBy, stdout, stderr }: ChildResult): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => /error|no space|denied|cannot/i.test(line));
  const last = (telling.at(-1) ?? lines.at(-1) ?? 'it printed nothing').trim();
  return `${killedBy === null ? `exit code ${code}` : `signal ${killedBy}`}: ${last.slice(0, 300)}`;
}
