/** Starts a pipeline stage as a child process. */
import { spawn } from 'node:child_process';
import type { StageLauncher } from '../recipes/pipeline/launch.js';
import { jsonIn } from '../util/json-object.js';
import { isStopSignal, STOP_CODES, stopSignalOf } from '../util/stop-signals.js';

/** The result is the last line of standard output, where it is JSON. */
export const lastJson = (output: string): unknown =>
  jsonIn(output.trimEnd().split('\n').at(-1) ?? '');

const ended = (code: number | null, signal: NodeJS.Signals | null) => {
  if (isStopSignal(signal)) return { exitCode: STOP_CODES[signal] };
  return signal === null ? { exitCode: code ?? 1 } : { exitCode: 1, killedBy: signal };
};

/** This program, as a command line to start it again. */
export const thisProgram = (): string[] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? '',
];

/**
 * A launcher of `<program> <command> <config file> --json`. The child has its own process group, so that
 * Ctrl-C in a terminal reaches it once, through us; the open channel tells it when we are gone. Its
 * standard error is ours.
 */
export function stageLauncher(program: readonly string[]): StageLauncher {
  const [executable = '', ...leading] = program;
  return ({ command, configFile, signal }) =>
    new Promise((resolve, reject) => {
      const child = spawn(executable, [...leading, command, configFile, '--json'], {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        detached: true,
      });
      const forward = () => child.kill(stopSignalOf(signal));
      signal.addEventListener('abort', forward, { once: true });
      const chunks: Buffer[] = [];
      child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.on('error', reject);
      child.on('close', (code, killedBy) => {
        signal.removeEventListener('abort', forward);
        resolve({ ...ended(code, killedBy), result: lastJson(Buffer.concat(chunks).toString()) });
      });
    });
}
