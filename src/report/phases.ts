/** Wall time by phase: where a run spends its seconds. */

export class PhaseClock {
  private readonly seconds = new Map<string, number>();
  private readonly now: () => number;

  /**
   * @param start seconds by phase to go on from (a resumed run)
   * @param now monotonic clock in milliseconds
   */
  constructor(start: Readonly<Record<string, number>> = {}, now = () => performance.now()) {
    this.now = now;
    for (const [name, value] of Object.entries(start)) this.seconds.set(name, value);
  }

  /** Runs `work` and adds its time to `name`, also when it throws. */
  async time<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const start = this.now();
    try {
      return await work();
    } finally {
      this.add(name, (this.now() - start) / 1000);
    }
  }

  add(name: string, seconds: number): void {
    this.seconds.set(name, (this.seconds.get(name) ?? 0) + seconds);
  }

  /** Seconds by phase, to the millisecond, in the order of first use. */
  totals(): Record<string, number> {
    return Object.fromEntries(
      [...this.seconds].map(([name, value]) => [name, Math.round(value * 1000) / 1000]),
    );
  }
}
