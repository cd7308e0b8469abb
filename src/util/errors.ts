/**
 * Every error that Lorikeet raises on purpose. A message is one line: where, what is wrong (with the
 * value), and what to do about it. The CLI prints the message and exits with `exitCode`.
 */
import { STOP_CODES, type StopSignal } from './stop-signals.js';

export interface ErrorParts {
  /** File, `file:line`, or config field the error is about. */
  readonly where?: string;
  /** What is wrong, with the offending value. */
  readonly problem: string;
  /** What the user can do. */
  readonly remedy?: string;
}

function oneLine({ where, problem, remedy }: ErrorParts): string {
  const head = where === undefined ? problem : `${where}: ${problem}`;
  return (remedy === undefined ? head : `${head}. ${remedy}`).replace(/\s*\n\s*/g, ' ');
}

/** Base class; `exitCode` is the process exit code of the CLI. */
export abstract class LorikeetError extends Error {
  abstract readonly exitCode: number;

  constructor(parts: ErrorParts | string, options?: ErrorOptions) {
    super(typeof parts === 'string' ? parts : oneLine(parts), options);
    this.name = new.target.name;
  }
}

/** Bad config, flag, file or row. Exit code 2. */
export class InputError extends LorikeetError {
  readonly exitCode = 2;
}

/** Several inputs that are wrong at once. The CLI gives each a line. */
export class InputErrors extends InputError {
  readonly errors: readonly InputError[];

  private constructor(errors: readonly InputError[]) {
    super(errors.map(({ message }) => message).join('; '));
    this.errors = errors;
  }

  /** One error for all of them, which are one or more; what is said twice counts once. */
  static of(errors: readonly InputError[]): InputError {
    const each = errors.flatMap((error) => (error instanceof InputErrors ? error.errors : [error]));
    const distinct = [...new Map(each.map((error) => [error.message, error])).values()];
    return distinct.length === 1 ? (distinct[0] as InputError) : new InputErrors(distinct);
  }
}

/** A missing runtime, compiler, device or network. Exit code 2. */
export class SetupError extends LorikeetError {
  readonly exitCode = 2;
}

/** The run itself failed (a remote service, a full disk, a numeric failure). Exit code 1. */
export class RunError extends LorikeetError {
  readonly exitCode = 1;
}

/** A guard stopped the run to protect the user from a silent error. Exit code 1. */
export class GuardError extends LorikeetError {
  readonly exitCode = 1;
}

/** A pipeline gate (`stop_if`) stopped the pipeline. Exit code 3. */
export class GateError extends LorikeetError {
  readonly exitCode = 3;
}

/** SIGINT or SIGTERM after everything was saved. Exit code 130 or 143. */
export class InterruptError extends LorikeetError {
  readonly exitCode: number;

  constructor(signal: StopSignal, parts: ErrorParts | string) {
    super(parts);
    this.exitCode = STOP_CODES[signal];
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
