/** Which requests may begin, so that only so many completions with sessions of code are open at once. */
import type { WriteRequest } from './types.js';

export interface AdmissionOptions {
  /** Completions under way; one request of more begins when no other is. */
  readonly limit: number;
}

/**
 * A request begins where others have ended. Completions are asked about in the order in which they stop, and each
 * waits for those before it: what begins in whose place depends on no clock.
 */
export class Admission {
  private readonly waiting: WriteRequest[];
  private readonly limit: number;
  private open = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(requests: readonly WriteRequest[], { limit }: AdmissionOptions) {
    this.waiting = [...requests];
    this.limit = limit;
  }

  /** Those that begin at once. */
  first(): WriteRequest[] {
    const first: WriteRequest[] = [];
    for (let request = this.take(); request !== null; request = this.take()) first.push(request);
    return first;
  }

  /**
   * @param further What follows from a completion that has stopped; null where it has ended.
   * @returns That, or the request that begins in its place.
   */
  after(further: Promise<WriteRequest | null>): Promise<WriteRequest | null> {
    const before = this.last;
    const answer = (async () => {
      const [, own] = await Promise.all([before, further]);
      if (own !== null) return own;
      this.open -= 1;
      return this.take();
    })();
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private take(): WriteRequest | null {
    const [next] = this.waiting;
    if (next === undefined) return null;
    if (this.open > 0 && this.open + next.n > this.limit) return null;
    this.waiting.shift();
    this.open += next.n;
    return next;
  }
}
