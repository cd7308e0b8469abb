/** What is asked of a sandbox, and what comes back. */
import { isAbsolute, normalize } from 'node:path';
import { InputError } from '../util/errors.js';
import { DEFAULT_LIMITS, type PythonLimits } from './limits.js';

export interface PythonRequest extends Partial<PythonLimits> {
  readonly code: string;
  /** Default empty. */
  readonly stdin?: string;
  /** Relative path to content, written to the working folder first. */
  readonly files?: Readonly<Record<string, string>>;
  /** A function that the code defines, called afterwards; its result comes back as `value`. */
  readonly call?: { readonly name: string; readonly args: readonly unknown[] };
  /** Print the value of a last line that is an expression, as a notebook does. Default false. */
  readonly showLast?: boolean;
}

/**
 * `error`: the code raised, or its process ended early; the others name the limit that ended it. With
 * `memory` it may also have caught its limit itself, by a MemoryError.
 */
type PythonStatus = 'ok' | 'error' | 'timeout' | 'memory' | 'output' | 'processes';

export interface PythonResult {
  readonly status: PythonStatus;
  /** UTF-8 with replacement characters; cut at the output limit. */
  readonly stdout: string;
  readonly stderr: string;
  /** The traceback's last line, or what ended the code; null when `ok`. */
  readonly error: string | null;
  /** The called function's result; undefined without `call` or when it failed. */
  readonly value: unknown;
  /** Wall time. */
  readonly seconds: number;
}

export interface PythonBlockResult extends PythonResult {
  /** The session's variables are gone: the next block starts from nothing. */
  readonly stateLost: boolean;
}

function checkPath(path: string): void {
  const plain = normalize(path);
  if (path !== '' && !isAbsolute(path) && !plain.startsWith('..') && plain !== '.') return;
  throw new InputError({
    where: 'files',
    problem: `"${path}" is no path inside the working folder`,
    remedy: 'Give relative paths without ..',
  });
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new InputError({ where: name, problem: `${value} is not a positive number` });
}

/** A lone surrogate has no UTF-8 form: it goes as U+FFFD, as everything else that Node encodes. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');

/** The record that the supervisor reads. @throws InputError on a limit or a path that cannot be. */
export function requestRecord(request: PythonRequest): Record<string, unknown> {
  const limits = { ...DEFAULT_LIMITS, ...request };
  const files = Object.entries(request.files ?? {});
  for (const [path] of files) checkPath(path);
  return {
    code: wellFormed(request.code),
    stdin: wellFormed(request.stdin ?? ''),
    files: Object.fromEntries(files.map(([path, text]) => [path, wellFormed(text)])),
    call: request.call ?? null,
    show_last: request.showLast ?? false,
    timeout_ms: positive('timeoutMs', limits.timeoutMs),
    memory_mib: Math.ceil(positive('memoryMiB', limits.memoryMiB)),
    output_bytes: Math.ceil(positive('outputBytes', limits.outputBytes)),
    processes: Math.ceil(positive('processes', limits.processes)),
    file_mib: Math.ceil(positive('fileMiB', limits.fileMiB)),
  };
}

interface Answer {
  readonly status: PythonStatus;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: string | null;
  readonly value: string | null;
  readonly seconds: number;
  readonly state_lost?: boolean;
}

/** The supervisor's answer as a result; `value` is the only part that the snippet encoded itself. */
export function resultOf(answer: unknown): PythonBlockResult {
  const { value, state_lost: stateLost = false, ...rest } = answer as Answer;
  const plain = { ...rest, value: undefined, stateLost };
  if (value === null) return plain;
  try {
    return { ...plain, value: JSON.parse(value) };
  } catch {
    return { ...plain, status: 'error', error: 'the result is not JSON' };
  }
}

/** A result for code whose sandbox had to be ended from outside. */
export function lostResult(status: 'timeout' | 'error', seconds: number): PythonBlockResult {
  const error =
    status === 'timeout' ? 'TimeoutError: time limit exceeded' : 'the sandbox ended early';
  return { status, stdout: '', stderr: '', error, value: undefined, seconds, stateLost: true };
}
