/**
 * Prompts on their way into slots. A prompt is prefilled once, together with others; its keys and values
 * are then copied into a slot for each of its completions. Prompts wait in the prefill lane, already
 * computed, until slots fall free.
 */
import type { StreamRequest } from '../types.js';
import type { Lane } from './lane.js';
import { batchSize, type PrefillOptions, prefill } from './prefill.js';
import type { KeptPrefix } from './prefix-cache.js';
import { sampleIndices } from './requests.js';

export interface QueueOptions extends Pick<PrefillOptions, 'maxTokens'> {
  readonly lane: Lane;
  readonly maxRows: number;
  readonly inverseTemperature: (request: StreamRequest) => number;
  /** What is there of a prompt already; absent: nothing is ever kept. */
  readonly keptOf?: ((promptIds: readonly number[]) => KeptPrefix | null) | undefined;
}

/** A completion that has not started. */
export interface WaitingSample {
  readonly request: StreamRequest;
  readonly sampleIndex: number;
}

/** A completion that can start: row `laneRow` of the prefill lane holds its prompt. */
export interface ReadySample extends WaitingSample {
  readonly laneRow: number;
  readonly startedAt: number;
  readonly cachedTokens?: number;
}

export class PromptQueue {
  private readonly options: QueueOptions;
  /** Longest prompts first, so that batches hold prompts of like length. */
  private waiting: StreamRequest[] = [];
  private ready: ReadySample[] = [];
  /** Whether any request so far can be ended by itself. */
  private hasSignals = false;

  constructor(requests: readonly StreamRequest[], options: QueueOptions) {
    this.options = options;
    this.add([...requests].sort((a, b) => b.promptIds.length - a.promptIds.length));
  }

  /** Puts requests behind those that wait. */
  add(requests: readonly StreamRequest[]): void {
    for (const request of requests) this.waiting.push(request);
    this.hasSignals ||= requests.some(({ signal }) => signal !== undefined);
  }

  /** Takes out what was ended before it started. */
  takeEnded(): WaitingSample[] {
    if (!this.hasSignals) return [];
    const isEnded = ({ signal }: StreamRequest) => signal?.aborted === true;
    const ended = [...this.rest()].filter(({ request }) => isEnded(request));
    if (ended.length === 0) return ended;
    this.ready = this.ready.filter(({ request }) => !isEnded(request));
    this.waiting = this.waiting.filter((request) => !isEnded(request));
    return ended;
  }

  get isEmpty(): boolean {
    return this.ready.length === 0 && this.waiting.length === 0;
  }

  /** The next completions, at most `count`, whose prompts are computed; none when `fetch` is needed or all have started. */
  take(count: number): ReadySample[] {
    return this.ready.splice(0, count);
  }

  /** Computes the next prompts when none are ready. */
  async fetch(): Promise<void> {
    if (this.ready.length > 0 || this.waiting.length === 0) return;
    const { lane, maxTokens, inverseTemperature, keptOf } = this.options;
    const { batch, kept } = this.nextBatch();
    const startedAt = performance.now();
    await prefill(
      lane,
      batch.map(({ promptIds }) => promptIds),
      { maxTokens, inverseTemperature: batch.map(inverseTemperature), kept },
    );
    const cached = keptOf === undefined ? {} : { cachedTokens: kept?.tokens ?? 0 };
    this.ready = batch.flatMap((request, laneRow) =>
      sampleIndices(request).map((sampleIndex) => ({
        request,
        sampleIndex,
        laneRow,
        startedAt,
        ...cached,
      })),
    );
  }

  /** A prompt whose beginning is there, by itself; else those before the next such one. */
  private nextBatch(): { readonly batch: StreamRequest[]; readonly kept: KeptPrefix | null } {
    const { maxRows, maxTokens, keptOf } = this.options;
    const lengths = this.waiting.map(({ promptIds }) => promptIds.length);
    const count = batchSize(lengths, { rows: maxRows, tokens: maxTokens });
    for (let i = 0; keptOf !== undefined && i < count; i++) {
      const kept = keptOf(this.waiting[i]!.promptIds);
      if (kept === null) continue;
      return i === 0
        ? { batch: this.waiting.splice(0, 1), kept }
        : { batch: this.waiting.splice(0, i), kept: null };
    }
    return { batch: this.waiting.splice(0, count), kept: null };
  }

  /** Everything that has not started, for an aborted run. */
  *rest(): Generator<WaitingSample> {
    yield* this.ready;
    for (const request of this.waiting) {
      for (const sampleIndex of sampleIndices(request)) yield { request, sampleIndex };
    }
  }
}
