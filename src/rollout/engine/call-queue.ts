/** Calls that must not overlap: each waits for the end of those that were made before it. */
export class CallQueue {
  /** Settles when the last call that was made is done. */
  private last: Promise<unknown> = Promise.resolve();
  private pending = 0;

  /** Whether no call is under way or waits. */
  get isIdle(): boolean {
    return this.pending === 0;
  }

  run<Result>(call: () => Promise<Result>): Promise<Result> {
    this.pending++;
    const result = this.last.then(call).finally(() => this.pending--);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Runs `end` when the calls that were made are done: at once where there are none. */
  whenIdle(end: () => void): void {
    if (this.isIdle) end();
    else this.last = this.last.then(end);
  }
}
