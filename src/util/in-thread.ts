/** A function of one of our own modules, called in a thread of its own. */
import { Worker } from 'node:worker_threads';

interface ThreadCall {
  readonly module: URL;
  /** Exported function. */
  readonly name: string;
  /** Must be cloneable. */
  readonly args: readonly unknown[];
}

/** TypeScript needs tsx, which a development set-up has; a program that is built has JavaScript only. */
const loaderOf = ({ pathname }: URL): string | null =>
  pathname.endsWith('.ts') ? 'tsx/esm/api' : null;

/** @returns a structured clone of what the function gives back @throws a copy of what it throws */
export function inThread<T>({ module, ...call }: ThreadCall): Promise<T> {
  const worker = new Worker(new URL('./thread-entry.cjs', import.meta.url), {
    workerData: { ...call, loader: loaderOf(module), module: module.href },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
}
