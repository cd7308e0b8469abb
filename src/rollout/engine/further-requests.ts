/**
 * Requests that follow from completions (`GenerateOptions.next`) and join the call under way. One joins a fixed
 * number of steps after the completion that it follows from, and sampling waits for it then: which rows are
 * computed together, and so every last bit, depends on no clock.
 */
import type { Completion, GenerateOptions, PromptRequest } from '../types.js';
import { checkRequests, type RequestLimits } from './requests.js';

type FurtherLimits = RequestLimits & { readonly ids: Set<string> };

/** Steps that the others go on for meanwhile. */
const STEPS_BETWEEN = 32;

interface Asked {
  readonly due: number;
  readonly answer: Promise<PromptRequest | null>;
}

export class FurtherRequests {
  /** In the order in which they joined. */
  readonly all: PromptRequest[] = [];
  private readonly next: NonNullable<GenerateOptions['next']>;
  private readonly limits: FurtherLimits;
  private readonly asked: Asked[] = [];
  private readonly open = new Set<Promise<unknown>>();

  /** @param limits Those of the call, with the ids of its requests. */
  constructor(next: NonNullable<GenerateOptions['next']>, limits: FurtherLimits) {
    this.next = next;
    this.limits = limits;
  }

  /** The step at which the next ones join; null: none is to come. */
  get due(): number | null {
    return this.asked[0]?.due ?? null;
  }

  /** @param step Steps taken so far. */
  ask(completion: Completion, step: number): void {
    const answer = this.next(completion);
    this.asked.push({ due: step + STEPS_BETWEEN, answer });
    const settled: Promise<unknown> = answer.then(
      () => this.open.delete(settled),
      () => this.open.delete(settled),
    );
    this.open.add(settled);
  }

  /** Waits for those that are due. @throws what `next` rejected with, InputError on a bad request */
  async take(step: number): Promise<readonly PromptRequest[]> {
    const later = this.asked.findIndex(({ due }) => due > step);
    const ready = this.asked.splice(0, later < 0 ? this.asked.length : later);
    const answers = await Promise.all(ready.map(({ answer }) => answer));
    const requests = answers.filter((request) => request !== null);
    checkRequests(requests, this.limits);
    for (const request of requests) this.all.push(request);
    return requests;
  }

  /** Waits for all answers. */
  async close(): Promise<void> {
    await Promise.all(this.open);
  }
}
