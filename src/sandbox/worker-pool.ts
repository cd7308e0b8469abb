/**
 * Functions of a JavaScript module, called in worker threads that can really be killed: a call that passes
 * its time limit (an endless loop, a regular expression that backtracks for ever) ends with its thread, and
 * the next call gets a new one. This bounds time and memory. It is no wall: the code can read files.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError, RunError } from '../util/errors.js';

const ENTRY = fileURLToPath(new URL('./worker-entry.cjs', import.meta.url));

export interface WorkerPoolOptions {
  /** The module, as a file URL or an absolute path. */
  readonly module: URL | string;
  /** Calls at once; default 2. */
  readonly workers?: number;
  /** Heap of each worker; default 512. */
  readonly memoryMiB?: number;
}

export type WorkerStatus = 'ok' | 'error' | 'timeout' | 'memory';

export interface WorkerResult {
  readonly status: WorkerStatus;
  /** What the function gave back (structured clone); undefined unless `ok`. */
  readonly value: unknown;
  /** What went wrong; null when `ok`. */
  readonly error: string | null;
  /** Wall time of the call. */
  readonly seconds: number;
}

export interface WorkerCall {
  /** Exported function. */
  readonly name: string;
  /** Must be cloneable. */
  readonly args: readonly unknown[];
  readonly timeoutMs: number;
}

export interface WorkerPool {
  /**
   * Never rejects for what the function does.
   * @throws InputError when the module cannot be loaded.
   */
  call(call: WorkerCall): Promise<WorkerResult>;
  /** Ends all workers; calls that run or wait reject with a RunError. */
  dispose(): Promise<void>;
}

/** Loading is bounded too: a module may loop at its top level. */
const LOAD_MS = 60_000;

/** TypeScript needs tsx, which a development set-up has; a program that is built has JavaScript only. */
const loaderOf = (module: string): string | null => (/\.m?ts$/.test(module) ? 'tsx/esm/api' : null);

type Reply = { ready: true } | { value: unknown } | { error: string } | { failed: string };

interface Thread {
  readonly worker: Worker;
  /** The next message, or how the thread ended; killed after so many milliseconds. */
  next(timeoutMs: number): Promise<Reply | 'timeout' | 'memory' | 'ended'>;
}

function startThread(module: string, memoryMiB: number): Thread {
  const worker = new Worker(ENTRY, {
    workerData: { module, loader: loaderOf(module) },
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
  let settle: (reply: Reply | 'memory' | 'ended') => void = () => {};
  let end: 'memory' | 'ended' | null = null;
  const ended = (how: 'memory' | 'ended') => {
    end ??= how;
    settle(end);
  };
  worker.on('message', (reply: Reply) => settle(reply));
  worker.on('error', (error: NodeJS.ErrnoException) => {
    ended(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'ended');
  });
  worker.on('exit', () => ended('ended'));
  worker.unref();
  return {
    worker,
    next: (timeoutMs) =>
      new Promise((resolve) => {
        if (end !== null) return resolve(end);
        const timer = setTimeout(() => {
          settle = () => {};
          resolve('timeout');
        }, timeoutMs);
        settle = (reply) => {
          clearTimeout(timer);
          settle = () => {};
          resolve(reply);
        };
      }),
  };
}

const MESSAGES = {
  timeout: 'time limit exceeded',
  memory: 'memory limit exceeded',
  ended: 'the worker ended early',
} as const;

/** A pool that starts its threads when they are first needed. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { workers = 2, memoryMiB = 512 } = options;
  const file = typeof options.module === 'string' ? pathToFileURL(options.module) : options.module;
  const module = file.href;
  const idle: Thread[] = [];
  const threads = new Set<Thread>();
  const waiting: { go: () => void; stop: (error: Error) => void }[] = [];
  let running = 0;
  let isDisposed = false;

  const drop = async (thread: Thread): Promise<void> => {
    threads.delete(thread);
    await thread.worker.terminate();
  };

  const ready = async (): Promise<Thread> => {
    const old = idle.pop();
    if (old !== undefined) return old;
    const thread = startThread(module, memoryMiB);
    threads.add(thread);
    const reply = await thread.next(LOAD_MS);
    if (typeof reply === 'object' && 'ready' in reply) return thread;
    await drop(thread);
    const isNamed = typeof reply === 'object' && 'failed' in reply;
    const why = isNamed ? reply.failed : MESSAGES[reply as keyof typeof MESSAGES];
    throw new InputError({ where: fileURLToPath(file), problem: `cannot be loaded: ${why}` });
  };

  const turn = async (): Promise<void> => {
    if (isDisposed) throw new RunError('the worker pool is closed');
    if (running < workers) running++;
    else await new Promise<void>((go, stop) => waiting.push({ go, stop }));
  };

  const done = () => {
    const waiter = waiting.shift();
    if (waiter === undefined) running--;
    else waiter.go();
  };

  const run = async ({ name, args, timeoutMs }: WorkerCall): Promise<WorkerResult> => {
    const thread = await ready();
    const start = performance.now();
    thread.worker.ref();
    thread.worker.postMessage({ name, args });
    const reply = await thread.next(timeoutMs);
    thread.worker.unref();
    const seconds = (performance.now() - start) / 1000;
    if (isDisposed) throw new RunError('the worker pool is closed');
    if (typeof reply === 'string') {
      await drop(thread);
      const status = reply === 'ended' ? 'error' : reply;
      return { status, value: undefined, error: MESSAGES[reply], seconds };
    }
    idle.push(thread);
    if ('value' in reply) return { status: 'ok', value: reply.value, error: null, seconds };
    return {
      status: 'error',
      value: undefined,
      error: (reply as { error: string }).error,
      seconds,
    };
  };

  return {
    call: async (call) => {
      await turn();
      try {
        return await run(call);
      } finally {
        done();
      }
    },
    dispose: async () => {
      isDisposed = true;
      for (const { stop } of waiting.splice(0)) stop(new RunError('the worker pool is closed'));
      await Promise.all([...threads].map(drop));
      idle.length = 0;
    },
  };
}
