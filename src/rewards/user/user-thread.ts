/**
 * One worker thread with a user's reward file. Grades that wait for something are under way together; the time
 * of each runs from its own beginning. A thread that does not answer any more is ended.
 */
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError, messageOf } from '../../util/errors.js';
import { partOf, type RewardPart } from '../registry.js';

export interface UserThreadOptions {
  readonly name: string;
  readonly file: string;
  /** Longest time of one grade, milliseconds. */
  readonly timeoutMs: number;
}

export interface Asked {
  readonly part: RewardPart;
  /** False where the thread ended and it is not known by which grade. */
  readonly isSure: boolean;
}

export interface UserThread {
  /** Never rejects. */
  ask(args: readonly unknown[]): Promise<Asked>;
  end(): Promise<void>;
}

/** Longest time until the file is loaded. */
const LOAD_MS = 30_000;
/** Longest time until a thread that is not busy says so. */
const PING_MS = 1000;

interface Message {
  readonly ready?: true;
  readonly failed?: string;
  readonly id?: number;
  readonly begun?: true;
  readonly pong?: true;
  readonly score?: unknown;
  readonly error?: string;
}

interface Call {
  readonly resolve: (asked: Asked) => void;
  timer: NodeJS.Timeout;
  isBegun: boolean;
}

/**
 * @param onEnd called once, when the thread has ended or is about to be
 * @throws InputError when the file does not load, or exports no such function
 */
export async function startUserThread(
  options: UserThreadOptions,
  onEnd: () => void,
): Promise<UserThread> {
  const worker = new Worker(new URL('./user-worker.cjs', import.meta.url), {
    workerData: { url: pathToFileURL(options.file).href, name: options.name },
  });
  worker.unref();
  const thread = new Thread(worker, options.timeoutMs, onEnd);
  const problem = await thread.loaded;
  if (problem === null) return thread;
  await thread.end();
  throw new InputError({
    where: options.file,
    problem: `the reward "${options.name}" cannot be loaded: ${problem}`,
    remedy: loadRemedy(options.file),
  });
}

class Thread implements UserThread {
  /** What is wrong with the file; null when it is loaded. */
  readonly loaded: Promise<string | null>;
  private readonly worker: Worker;
  private readonly timeoutMs: number;
  private readonly onEnd: () => void;
  private readonly calls = new Map<number, Call>();
  private hasEnded = false;
  private reason = 'the worker ended';
  private nextId = 0;

  constructor(worker: Worker, timeoutMs: number, onEnd: () => void) {
    this.worker = worker;
    this.timeoutMs = timeoutMs;
    this.onEnd = onEnd;
    this.loaded = new Promise((resolve) => {
      const timer = setTimeout(() => resolve('no answer'), LOAD_MS);
      const settle = (problem: string | null) => {
        clearTimeout(timer);
        resolve(problem);
      };
      worker.once('message', ({ failed }: Message) => settle(failed ?? null));
      worker.on('exit', () => settle(this.reason));
    });
    worker.on('error', (error) => {
      this.reason = messageOf(error);
    });
    worker.on('exit', () => this.stop(brokenPart(this.reason)));
    worker.on('message', (message: Message) => this.receive(message));
  }

  ask(args: readonly unknown[]): Promise<Asked> {
    return new Promise((resolve) => {
      if (this.hasEnded) return resolve({ part: brokenPart(this.reason), isSure: false });
      const id = this.nextId++;
      const timer = setTimeout(() => this.late(id), this.timeoutMs);
      this.calls.set(id, { resolve, timer, isBegun: false });
      this.worker.ref();
      try {
        this.worker.postMessage({ id, args });
      } catch (error) {
        this.settle(id, { part: brokenPart(messageOf(error)), isSure: true });
      }
    });
  }

  async end(): Promise<void> {
    this.stop(brokenPart(this.reason));
    await this.worker.terminate();
  }

  private receive({ id, begun, pong, score, error }: Message): void {
    for (const { isBegun, timer } of this.calls.values()) if (!isBegun) timer.refresh();
    const call = id === undefined ? undefined : this.calls.get(id);
    if (id === undefined || call === undefined) return;
    if (begun) {
      call.isBegun = true;
      call.timer.refresh();
    } else if (!pong) {
      const part = error === undefined ? partOf(score) : brokenPart(error);
      this.settle(id, { part, isSure: true });
    } else if (call.isBegun) {
      this.settle(id, { part: this.timeoutPart(), isSure: true });
    } else {
      clearTimeout(call.timer);
      call.timer = setTimeout(() => this.late(id), this.timeoutMs);
    }
  }

  /** The time of a grade is over: beside others, its thread goes on as long as it answers. */
  private late(id: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    if (call.isBegun && this.begun().length === 1) return void this.kill();
    call.timer = setTimeout(() => this.kill(), PING_MS);
    this.worker.postMessage({ ping: id });
  }

  private kill(): void {
    this.stop(this.timeoutPart());
    void this.worker.terminate();
  }

  private stop(part: RewardPart): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.onEnd();
    const isAlone = this.begun().length === 1;
    for (const [id, { isBegun }] of [...this.calls]) {
      this.settle(id, { part, isSure: isBegun && isAlone });
    }
  }

  private begun(): Call[] {
    return [...this.calls.values()].filter(({ isBegun }) => isBegun);
  }

  private settle(id: number, asked: Asked): void {
    const call = this.calls.get(id);
    this.calls.delete(id);
    clearTimeout(call?.timer);
    if (this.calls.size === 0) this.worker.unref();
    call?.resolve(asked);
  }

  private timeoutPart(): RewardPart {
    const reason = `no answer within ${this.timeoutMs / 1000} s`;
    return { score: null, status: 'timeout', reason };
  }
}

export const brokenPart = (reason: string): RewardPart => ({
  score: null,
  status: 'error',
  reason,
});

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
