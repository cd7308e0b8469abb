/**
 * Ctrl-C, and the end of the terminal that is logged to: once a run stops in order, the first signal asks it to, a
 * trainer after its current step, and the second ends the process at once. Before, the first one does: nothing is
 * lost. A stage of a pipeline also stops when the pipeline that started it is gone.
 */
import { STOP_CODES, type StopSignal } from '../util/stop-signals.js';
import { end } from './end.js';

interface Signals {
  readonly signal: AbortSignal;
  /** From now on the first signal does not end the process. */
  readonly stopsInOrder: () => void;
  /** Exit code of the signal that came, or undefined. */
  readonly exitCode: () => number | undefined;
}

/**
 * npm and npx pass the Ctrl-C of a terminal on to their child. Where the shell between them (bash as `sh`) has given
 * its place to it, the child has it from the terminal already: one press comes twice, this soon one after the other.
 */
const ECHO_MS = 500;

/** Two that came during one long computation arrive together: nobody could read between them what the first one says. */
const TOGETHER_MS = 100;

/** For the life of the process. A pipeline speaks for its stages. */
export function catchSignals(err: (line: string) => void): Signals {
  const controller = new AbortController();
  const isStage = process.channel !== undefined;
  const isUnderNpm = process.env.npm_command !== undefined && !isStage;
  const oneWithin = isUnderNpm ? ECHO_MS : TOGETHER_MS;
  let isInOrder = false;
  let received: StopSignal | undefined;
  let firstAt = 0;
  const stop = (name: StopSignal): void => {
    if (received === name && performance.now() - firstAt < oneWithin) return;
    if (!isInOrder || received !== undefined) end(STOP_CODES[name]);
    received = name;
    firstAt = performance.now();
    if (!isStage)
      err(`${name}: stopping (a trainer ends its step first); once more to quit at once`);
    controller.abort(name);
  };
  let isListening = false;
  const listen = (): void => {
    if (isListening) return;
    isListening = true;
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('SIGTERM', () => stop('SIGTERM'));
    if (process.stderr.isTTY) process.on('SIGHUP', () => stop('SIGHUP'));
  };
  // Node listens to SIGHUP also under nohup: what logs elsewhere outlives its terminal.
  if (!process.stderr.isTTY) process.on('SIGHUP', () => {});
  // The system spares the first process of a container that does not listen.
  if (process.pid === 1) listen();
  if (isStage) {
    process.on('disconnect', () => stop('SIGTERM'));
    process.channel?.unref();
  }
  return {
    signal: controller.signal,
    stopsInOrder: () => {
      isInOrder = true;
      listen();
    },
    exitCode: () => (received === undefined ? undefined : STOP_CODES[received]),
  };
}
