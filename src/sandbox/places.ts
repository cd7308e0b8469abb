/** Turns: so many at a time, until they are closed for good. */
import { RunError } from '../util/errors.js';

/**
 * One of `limit` places for each who takes one; the others wait in the order they came.
 * @param closedText what the RunError says, once they are closed
 */
export function places(limit: number, closedText: string) {
  const waiting: { go: () => void; stop: (error: Error) => void }[] = [];
  let taken = 0;
  let isClosed = false;
  const check = () => {
    if (isClosed) throw new RunError(closedText);
  };
  return {
    /** @throws RunError once they are closed */
    check,
    /** @throws RunError when they are closed, or are while it waits */
    take: async (): Promise<void> => {
      check();
      if (taken < limit) taken++;
      else await new Promise<void>((go, stop) => waiting.push({ go, stop }));
    },
    free: (): void => {
      const waiter = waiting.shift();
      if (waiter === undefined) taken--;
      else waiter.go();
    },
    close: (): void => {
      isClosed = true;
      for (const { stop } of waiting.splice(0)) stop(new RunError(closedText));
    },
  };
}
