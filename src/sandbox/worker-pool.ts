/**
 * Functions of a JavaScript module, called in worker threads that can really be killed: a call that passes
 * its time limit (an endless loop, a regular expression that backtracks for ever) ends with its thread, and
 * the next call gets a new one. This bounds time and memory. It is no wall: the code can read files.
 */
import { pathToFileURL } from 'node:url';
import { messageOf } from '../util/errors.js';
import { places } from './places.js';
import { ENDINGS, loaded, startThread, type WorkerThread } from './worker-thread.js';

export interface WorkerPoolOptions {
  /** The module, as a file URL or an absolute path. */
  readonly module: URL | string;
  /** Calls at once; default 2. */
  readonly workers?: number;
  /** Heap of each worker; default 512. */
  readonly memoryMiB?: number;
}

type WorkerStatus = 'ok' | 'error' | 'timeout' | 'memory';

interface WorkerResult {
  readonly status: WorkerStatus;
  /** What the function gave back (structured clone); undefined unless `ok`. */
  readonly value: unknown;
  /** What went wrong; null when `ok`. */
  readonly error: string | null;
  /** Wall time of the call. */
  readonly seconds: number;
}

interface WorkerCall {
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

/** A pool that starts its threads when they are first needed. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { workers = 2, memoryMiB = 512 } = options;
  const module =
    typeof options.module === 'string' ? pathToFileURL(options.module) : options.module;
  const idle: WorkerThread[] = [];
  const threads = new Set<WorkerThread>();
  const turns = places(workers, 'the worker pool is closed');

  const drop = async (thread: WorkerThread): Promise<void> => {
    threads.delete(thread);
    await thread.worker.terminate();
  };

  const ready = async (): Promise<WorkerThread> => {
    const old = idle.pop();
    if (old !== undefined) return old;
    const thread = startThread(module, memoryMiB);
    threads.add(thread);
    try {
      await loaded(thread, module);
      return thread;
    } catch (error) {
      await drop(thread);
      throw error;
    }
  };

  const run = async ({ name, args, timeoutMs }: WorkerCall): Promise<WorkerResult> => {
    const thread = await ready();
    const start = performance.now();
    try {
      thread.worker.postMessage({ name, args });
    } catch (error) {
      idle.push(thread);
      return { status: 'error', value: undefined, error: messageOf(error), seconds: 0 };
    }
    thread.worker.ref();
    const reply = await thread.next(timeoutMs);
    thread.worker.unref();
    const seconds = (performance.now() - start) / 1000;
    turns.check();
    if (typeof reply === 'string') {
      await drop(thread);
      const status = reply === 'ended' ? 'error' : reply;
      return { status, value: undefined, error: ENDINGS[reply], seconds };
    }
    idle.push(thread);
    if ('value' in reply) return { status: 'ok', value: reply.value, error: null, seconds };
    const { error } = reply as { error: string };
    return { status: 'error', value: undefined, error, seconds };
  };

  return {
    call: async (call) => {
      await turns.take();
      try {
        return await run(call);
      } finally {
        turns.free();
      }
    },
    dispose: async () => {
      turns.close();
      await Promise.all([...threads].map(drop));
      idle.length = 0;
    },
  };
}
