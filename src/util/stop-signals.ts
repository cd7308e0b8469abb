/** The signals that ask a process to stop (SIGHUP: its terminal is gone), and what it exits with then. */

export const STOP_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof STOP_CODES;

export const isStopSignal = (name: unknown): name is StopSignal =>
  typeof name === 'string' && Object.hasOwn(STOP_CODES, name);

/** The one that has aborted; what a caller of the package aborts counts as Ctrl-C. */
export const stopSignalOf = ({ reason }: AbortSignal): StopSignal =>
  isStopSignal(reason) ? reason : 'SIGINT';

/** Whether a process with this exit code has stopped on a signal. */
export const wasStopped = (exitCode: number): boolean =>
  Object.values<number>(STOP_CODES).includes(exitCode);
