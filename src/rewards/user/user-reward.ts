/**
 * A reward from a user's file, run in a worker thread that is ended at the time limit and started anew for
 * the next grade. The file is a module that exports a function under the reward's name, as `reward`, or by
 * default: (completion, row, info) → number or null, or a promise of one.
 *
 * A thread is no sandbox: the file can do what this process can. It is the user's own code.
 */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError, messageOf } from '../../util/errors.js';
import type { AsyncReward } from '../async-rewards.js';
import { partOf, type RewardPart } from '../registry.js';

export interface UserReward {
  readonly reward: AsyncReward;
  close(): Promise<void>;
}

interface UserRewardOptions {
  readonly name: string;
  readonly file: string;
  /** Longest time of one grade, milliseconds. */
  readonly timeoutMs: number;
}

/** Longest time until the file is loaded. */
const LOAD_LIMIT_MS = 30_000;

interface Message {
  readonly id?: number;
  readonly score?: unknown;
  readonly error?: string;
  readonly ready?: true;
  readonly failed?: string;
}

/** @throws InputError when the file is missing, does not load, or exports no such function. */
export async function openUserReward(options: UserRewardOptions): Promise<UserReward> {
  const { name, file, timeoutMs } = options;
  if (!existsSync(file)) throw new InputError({ where: file, problem: 'no such file' });
  let worker: Worker | null = await startWorker(options);
  let last: Promise<unknown> = Promise.resolve();
  let nextId = 0;

  const gradeNow = async (args: readonly unknown[]): Promise<RewardPart> => {
    worker ??= await startWorker(options);
    const answer = await ask(worker, { id: nextId++, args }, timeoutMs);
    if (answer !== null) {
      return 'score' in answer ? partOf(answer.score) : brokenPart(answer.error ?? 'no answer');
    }
    await worker.terminate();
    worker = null;
    return { score: null, status: 'timeout', reason: `no answer within ${timeoutMs / 1000} s` };
  };

  return {
    reward: (...args) => {
      const graded = last.then(async () => {
        try {
          return await gradeNow(args);
        } catch (error) {
          worker = null;
          return brokenPart(messageOf(error));
        }
      });
      last = graded;
      return graded;
    },
    close: async () => {
      await last;
      await worker?.terminate();
      worker = null;
    },
  };

  async function startWorker(of: UserRewardOptions): Promise<Worker> {
    const started = new Worker(new URL('./user-worker.cjs', import.meta.url), {
      workerData: { url: pathToFileURL(of.file).href, name },
    });
    started.on('error', () => {});
    started.unref();
    const first = await nextMessage(started, LOAD_LIMIT_MS, (message) => message.id === undefined);
    if (first?.ready === true) return started;
    await started.terminate();
    throw new InputError({
      where: of.file,
      problem: `the reward "${name}" cannot be loaded: ${first?.failed ?? 'no answer'}`,
      remedy: loadRemedy(of.file),
    });
  }
}

const brokenPart = (reason: string): RewardPart => ({ score: null, status: 'error', reason });

/** Node 20 reads JavaScript only; Node 22.18 and newer drop the types of TypeScript. */
function loadRemedy(file: string): string {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (/\.[cm]?ts$/.test(file) && !typescript) {
    return 'Node 22.18 and newer read TypeScript; for this one write it as JavaScript (.mjs)';
  }
  if (file.endsWith('.py'))
    return 'In Python use a grader object of type python: rewards=[{name: …, grader: F.json}]';
  return 'Export a function (completion, row) that returns a number or null';
}

async function ask(
  worker: Worker,
  request: { readonly id: number; readonly args: readonly unknown[] },
  timeoutMs: number,
): Promise<Message | null> {
  worker.postMessage(request);
  return await nextMessage(worker, timeoutMs, ({ id }) => id === request.id);
}

/** The first message that is wanted; null after `limitMs`. Rejects when the worker ends before. */
function nextMessage(
  worker: Worker,
  limitMs: number,
  isWanted: (message: Message) => boolean,
): Promise<Message | null> {
  return new Promise((resolve, reject) => {
    const stop = (then: () => void) => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      then();
    };
    const onMessage = (message: Message) => {
      if (isWanted(message)) stop(() => resolve(message));
    };
    const onError = (error: Error) => stop(() => reject(error));
    const onExit = () => stop(() => reject(new Error('the worker ended')));
    const timer = setTimeout(() => stop(() => resolve(null)), limitMs);
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
