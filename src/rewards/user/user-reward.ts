/**
 * A reward from a user's file, run in a worker thread that is ended at the time limit and started anew for
 * the next grade. The file is a module that exports a function under the reward's name, as `reward`, or by
 * default: (completion, row, info) → number or null, or a promise of one.
 *
 * A thread is no sandbox: the file can do what this process can. It is the user's own code.
 */
import { existsSync } from 'node:fs';
import { InputError, messageOf } from '../../util/errors.js';
import { limiter } from '../../util/limiter.js';
import type { AsyncReward } from '../async-rewards.js';
import type { RewardPart } from '../registry.js';
import {
  type Asked,
  brokenPart,
  startUserThread,
  type UserThread,
  type UserThreadOptions,
} from './user-thread.js';

export interface UserReward {
  readonly reward: AsyncReward;
  close(): Promise<void>;
}

/** @throws InputError when the file is missing, does not load, or exports no such function. */
export async function openUserReward(options: UserThreadOptions): Promise<UserReward> {
  const { file } = options;
  if (!existsSync(file)) {
    const remedy = 'Check the path of rewards[].file, which starts at the current folder';
    throw new InputError({ where: file, problem: 'no such file', remedy });
  }
  const together = renewedThread(options);
  const single = renewedThread(options);
  const oneByOne = limiter(1);
  await together.start();
  const pending = new Set<Promise<unknown>>();

  const gradeOne = async (args: readonly unknown[]): Promise<RewardPart> => {
    const first = await together.ask(args);
    if (first.isSure) return first.part;
    return (await oneByOne(() => single.ask(args))).part;
  };
  return {
    reward: (...args) => {
      const graded = gradeOne(args).finally(() => pending.delete(graded));
      pending.add(graded);
      return graded;
    },
    close: async () => {
      await Promise.all(pending);
      await Promise.all([together.end(), single.end()]);
    },
  };
}

/** A thread that is started when it is needed and not there. */
function renewedThread(options: UserThreadOptions) {
  let thread: Promise<UserThread> | null = null;
  const start = (): Promise<UserThread> => {
    const started = startUserThread(options, () => {
      if (thread === started) thread = null;
    });
    thread = started;
    return started;
  };
  return {
    start,
    ask: async (args: readonly unknown[]): Promise<Asked> => {
      try {
        return await (await (thread ?? start())).ask(args);
      } catch (error) {
        return { part: brokenPart(messageOf(error)), isSure: true };
      }
    },
    end: async (): Promise<void> => {
      const last = thread;
      await (await last)?.end();
    },
  };
}
