/**
 * Wall time by phase: where a run spends its seconds. A phase inside another one counts for itself alone, so
 * that the seconds of all phases add up to the time that was measured.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Seconds of a phase that a lap shows; less is that a phase had nothing to do. */
const SHORTEST = 0.0005;

/** A phase being timed; `inner` are the milliseconds of the phases inside it. */
interface Frame {
  inner: number;
}

export class PhaseClock {
  private readonly seconds = new Map<string, number>();
  private readonly frames = new AsyncLocalStorage<Frame>();
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
    const outer = this.frames.getStore();
    const frame: Frame = { inner: 0 };
    const start = this.now();
    try {
      return await this.frames.run(frame, work);
    } finally {
      const elapsed = this.now() - start;
      if (outer !== undefined) outer.inner += elapsed;
      // Phases that ran side by side in it may add up to more than its own time.
      this.add(name, Math.max(0, elapsed - frame.inner) / 1000);
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

  /** A stopwatch: each call gives the seconds by phase since the call before, `time/<phase>`. */
  laps(): () => Record<string, number> {
    let before = new Map(this.seconds);
    return () => {
      const lap: Record<string, number> = {};
      for (const [name, value] of this.seconds) {
        const seconds = value - (before.get(name) ?? 0);
        if (seconds >= SHORTEST) lap[`time/${name}`] = seconds;
      }
      before = new Map(this.seconds);
      return lap;
    };
  }
}
