/** A worker thread that has loaded one module, and answers or is killed. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError } from '../util/errors.js';

const ENTRY = fileURLToPath(new URL('./worker-entry.cjs', import.meta.url));

/** Loading is bounded too: a module may loop at its top level. */
const LOAD_MS = 60_000;

/** TypeScript needs tsx, which a development set-up has; a program that is built has JavaScript only. */
const loaderOf = (module: string): string | null => (/\.m?ts$/.test(module) ? 'tsx/esm/api' : null);

type Reply = { ready: true } | { value: unknown } | { error: string } | { failed: string };

type Ending = 'timeout' | 'memory' | 'ended';

/** How a thread ended, in words. */
export const ENDINGS: Readonly<Record<Ending, string>> = {
  timeout: 'time limit exceeded',
  memory: 'memory limit exceeded',
  ended: 'the worker ended early',
};

export interface WorkerThread {
  readonly worker: Worker;
  /** The next message, or how the thread ended; `timeout` after so many milliseconds. */
  next(timeoutMs: number): Promise<Reply | Ending>;
}

export function startThread(module: URL, memoryMiB: number): WorkerThread {
  const worker = new Worker(ENTRY, {
    workerData: { module: module.href, loader: loaderOf(module.href) },
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
  let settle: (reply: Reply | Ending) => void = () => {};
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

/** Waits until the module is loaded. @throws InputError with the reason when it cannot be */
export async function loaded(thread: WorkerThread, module: URL): Promise<void> {
  const reply = await thread.next(LOAD_MS);
  if (typeof reply === 'object' && 'ready' in reply) return;
  const isNamed = typeof reply === 'object' && 'failed' in reply;
  const why = isNamed ? reply.failed : ENDINGS[reply as Ending];
  throw new InputError({ where: fileURLToPath(module), problem: `cannot be loaded: ${why}` });
}
