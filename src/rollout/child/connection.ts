/** A process that answers calls: starts it, matches replies with calls, and says how it ended. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunError } from '../../util/errors.js';
import type { StreamOptions } from '../types.js';
import {
  type CallName,
  type Calls,
  type Reply,
  type Request,
  type Results,
  receivedError,
  type SentRequest,
} from './messages.js';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly options: CallOptions;
  /** What `next` rejected with or a callback threw, which the call does too when the process has ended it. */
  failure?: { readonly error: unknown };
}

export interface CallOptions extends Omit<StreamOptions, 'arrivals'> {
  /** Told when the call is sent. */
  readonly onOpen?: ((call: OpenCall) => void) | undefined;
}

/** What can be said to the process about a call under way; nothing once it is answered. */
export interface OpenCall {
  endRequest(request: string): void;
  join(requests: readonly SentRequest[]): void;
}

/** From source, as in tests, the entry is TypeScript, which Node runs with a loader. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const ENTRY = fileURLToPath(new URL(IS_SOURCE ? './main.ts' : './main.js', import.meta.url));

/** Characters of the process's standard error that are kept for its end, and lines of them that are told. */
const KEPT_ERROR = 8000;
const TOLD_LINES = 4;
/** Frames of JavaScript's and native traces, and what Node says of itself. */
const TRACE_LINE = /^\s*(at |\d+: 0x|-+ |Node[.]js v)|^\s*$/;

type Question = Extract<Reply, { readonly question: number }>;
type Told = Exclude<
  Extract<
    Reply,
    { readonly completion: unknown } | { readonly token: unknown } | { readonly failed: string }
  >,
  Question
>;

export class Connection {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;
  private errorText = '';
  private end: RunError | null = null;
  /** Settles when the process is gone, and its memory with it. */
  readonly gone: Promise<void>;

  /**
   * @param env Of the process; libraries are found by it.
   * @param onEnd Called when the process ends by itself, before the calls under way fail with the same error.
   */
  constructor(env: NodeJS.ProcessEnv, onEnd: (end: RunError) => void) {
    this.child = fork(ENTRY, [], {
      env,
      serialization: 'advanced',
      execArgv: IS_SOURCE ? ['--import', 'tsx'] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errorText = (this.errorText + text).slice(-KEPT_ERROR);
    });
    this.child.on('message', (reply: Reply) => this.receive(reply));
    const fail = (how: string) => {
      if (this.end === null) onEnd(this.failWith(this.endError(how)));
    };
    this.gone = new Promise((resolve) => {
      this.child.on('error', (error) => {
        fail(`: ${error.message}`);
        if (this.child.pid === undefined) resolve();
      });
      this.child.on('close', (code, signal) => {
        fail(signal === null ? ` with exit code ${code}` : ` by ${signalText(signal)}`);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  call<Name extends CallName>(
    name: Name,
    args: Calls[Name],
    options: CallOptions = {},
  ): Promise<Results[Name]> {
    if (this.end !== null) return Promise.reject(this.end);
    const id = this.next++;
    const { signal, onOpen } = options;
    const abort = () => this.send({ abort: id });
    const result = new Promise<Results[Name]>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: never) => void, reject, options });
      this.send({ id, call: name, args });
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
    });
    onOpen?.({
      endRequest: (request) => this.send({ abort: id, request }),
      join: (requests) => this.send({ join: id, requests }),
    });
    return result.finally(() => signal?.removeEventListener('abort', abort));
  }

  /** The process ends; calls under way fail. */
  close(): void {
    if (this.end !== null) return;
    this.failWith(releasedError());
    // A run of the graph does not hold it up.
    this.child.kill('SIGKILL');
  }

  private send(request: Request): void {
    if (this.child.connected) this.child.send(request);
  }

  private receive(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    if (waiting === undefined) return;
    if ('question' in reply) {
      void this.answer(reply, waiting);
      return;
    }
    if ('completion' in reply || 'token' in reply || 'failed' in reply) {
      this.tell(reply, waiting);
      return;
    }
    this.waiting.delete(reply.id);
    if (waiting.failure !== undefined) waiting.reject(waiting.failure.error);
    else if ('error' in reply) waiting.reject(receivedError(reply.error));
    else waiting.resolve(reply.result as never);
  }

  /** Where the caller fails on what it is told, it is told no more, and the call is ended. */
  private tell(reply: Told, waiting: Waiting): void {
    if (waiting.failure !== undefined) return;
    const { onCompletion, onToken, onFailure } = waiting.options;
    try {
      if ('completion' in reply) onCompletion?.(reply.completion);
      else if ('token' in reply) onToken?.(reply.token);
      else onFailure?.(reply.failed, receivedError(reply.why));
    } catch (error) {
      waiting.failure = { error };
      this.send({ abort: reply.id });
    }
  }

  /** What follows from a completion; where that fails, nothing does, and the call is ended. */
  private async answer({ id, question, completion }: Question, waiting: Waiting): Promise<void> {
    try {
      const next = (await waiting.options.next?.(completion)) ?? null;
      this.send({ question, next });
    } catch (error) {
      waiting.failure ??= { error };
      this.send({ abort: id });
      this.send({ question, next: null });
    }
  }

  private endError(how: string): RunError {
    const lines = this.errorText.split('\n').filter((line) => !TRACE_LINE.test(line));
    const said = lines.slice(-TOLD_LINES).join(' | ');
    return new RunError({
      where: 'rollouts',
      problem: `the sampler's process ended${how}${said === '' ? '' : `; it said: ${said}`}`,
      remedy:
        'The next call starts another. Lower the batch if memory ran out; lorikeet doctor says what works here',
    });
  }

  private failWith(end: RunError): RunError {
    this.end = end;
    for (const { reject } of this.waiting.values()) reject(end);
    this.waiting.clear();
    return end;
  }
}

export const releasedError = (): RunError =>
  new RunError('rollouts: the sampler was released while it was at work');

const signalText = (signal: NodeJS.Signals): string =>
  signal === 'SIGKILL' ? 'SIGKILL, as the system does when memory runs out' : signal;
