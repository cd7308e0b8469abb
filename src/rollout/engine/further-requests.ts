/**
 * Requests that follow from completions (`GenerateOptions.next`) and join the call under way, in the order in
 * which they are known. When that is depends on the clock; what is sampled does not, as far as the kernels
 * give a row the same bits in any batch.
 */
import type { Completion, GenerateOptions, PromptRequest } from '../types.js';
import { checkRequests, type RequestLimits } from './requests.js';

type FurtherLimits = RequestLimits & { readonly ids: Set<string> };

export class FurtherRequests {
  /** In the order they came. */
  readonly all: PromptRequest[] = [];
  private readonly next: NonNullable<GenerateOptions['next']>;
  private readonly limits: FurtherLimits;
  private readonly waiting = new Set<Promise<void>>();
  private taken = 0;
  private failure: { readonly error: unknown } | null = null;

  /** @param limits Those of the call, with the ids of its requests. */
  constructor(next: NonNullable<GenerateOptions['next']>, limits: FurtherLimits) {
    this.next = next;
    this.limits = limits;
  }

  /** None is there or to come. */
  get isDone(): boolean {
    return this.waiting.size === 0 && !this.hasNews;
  }

  ask(completion: Completion): void {
    const asked: Promise<void> = this.answer(completion)
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.waiting.delete(asked));
    this.waiting.add(asked);
  }

  /** Those that have come since the last time. @throws what `next` rejected with */
  take(): readonly PromptRequest[] {
    if (this.failure !== null) throw this.failure.error;
    const start = this.taken;
    this.taken = this.all.length;
    return this.all.slice(start);
  }

  /** Waits until there is something to take, or nothing more to come. */
  async settle(): Promise<void> {
    while (this.waiting.size > 0 && !this.hasNews) await Promise.race(this.waiting);
  }

  /** Waits for all answers. */
  async close(): Promise<void> {
    while (this.waiting.size > 0) await Promise.race(this.waiting);
  }

  private get hasNews(): boolean {
    return this.failure !== null || this.taken < this.all.length;
  }

  private async answer(completion: Completion): Promise<void> {
    const request = await this.next(completion);
    if (request === null) return;
    checkRequests([request], this.limits);
    this.all.push(request);
  }
}
