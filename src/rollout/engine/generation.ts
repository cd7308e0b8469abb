/**
 * One call of `generate`: continuous batching. Each slot, a row of the decoding lane, holds a completion in
 * progress at its own length. After every step the slots of finished ones go to waiting completions, or to
 * those in the last slots when none wait, so that no step computes an empty row.
 */
import type { TokenSampler } from '../sampling/token-sampler.js';
import type { Completion, RolloutTokenizer, SamplingParams } from '../types.js';
import { CompletionRow } from './completion-row.js';
import type { Lane } from './lane.js';
import type { PromptQueue, ReadySample } from './prompt-queue.js';

export interface GenerationOptions {
  readonly queue: PromptQueue;
  readonly promptLane: Lane;
  readonly decodeLane: Lane;
  readonly sampler: TokenSampler;
  readonly params: SamplingParams;
  readonly tokenizer: RolloutTokenizer;
  readonly slots: number;
  readonly maxContext: number;
  readonly adapter: string | null;
  readonly signal: AbortSignal | undefined;
  readonly onFinish: (completion: Completion) => void;
}

export class Generation {
  private readonly options: GenerationOptions;
  /** By slot; null where a completion has finished. */
  private readonly rows: (CompletionRow | null)[] = [];

  constructor(options: GenerationOptions) {
    this.options = options;
  }

  async run(): Promise<void> {
    while (!this.isAborted()) {
      await this.admit();
      this.closeGaps();
      if (this.isAborted()) break;
      if (this.rows.length === 0) return;
      await this.step();
    }
    this.abort();
  }

  private isAborted(): boolean {
    return this.options.signal?.aborted === true;
  }

  /** Gives free slots to waiting completions. */
  private async admit(): Promise<void> {
    const { queue, slots, decodeLane } = this.options;
    let slot = this.nextFree(0);
    while (slot < slots && !queue.isEmpty && !this.isAborted()) {
      const sample = queue.take();
      if (sample === undefined) {
        await decodeLane.cache.settle();
        await queue.fetch();
      } else if (this.start(sample, slot)) slot = this.nextFree(slot + 1);
    }
  }

  private nextFree(from: number): number {
    let slot = from;
    while (slot < this.rows.length && this.rows[slot] !== null) slot++;
    return slot;
  }

  /** Samples the first token; unless that is the last, too, the completion takes the slot. */
  private start({ request, sampleIndex, laneRow, startedAt }: ReadySample, slot: number): boolean {
    const { params, tokenizer, maxContext, promptLane, decodeLane } = this.options;
    const row = new CompletionRow({
      request,
      sampleIndex,
      params,
      tokenizer,
      maxContext,
      startedAt,
    });
    this.sample(row, promptLane, laneRow);
    if (row.finishReason !== null) {
      this.finish(row);
      return false;
    }
    this.rows[slot] = row;
    decodeLane.cache.copyRow(promptLane.cache, laneRow, slot, request.promptIds.length);
    return true;
  }

  /** Moves the last rows into free slots. The newest token of a row is not in the cache yet. */
  private closeGaps(): void {
    const { cache } = this.options.decodeLane;
    for (let slot = this.nextFree(0); slot < this.rows.length; slot = this.nextFree(slot)) {
      const last = this.rows.pop()!;
      if (last === null) continue;
      this.rows[slot] = last;
      cache.copyRow(cache, this.rows.length, slot, last.length - 1);
    }
  }

  /** One token for every row. */
  private async step(): Promise<void> {
    const { decodeLane, sampler } = this.options;
    const batch = this.rows.length;
    decodeLane.shape({ batch, tokens: 1, wanted: batch });
    const { ids, lastPositions, rows: wanted } = decodeLane;
    for (const [slot, row] of this.rows.entries()) {
      if (row === null) continue;
      ids[slot] = row.lastId;
      lastPositions[slot] = row.length - 1;
      wanted[slot] = slot;
    }
    await decodeLane.run(sampler.inverseTemperature);
    for (const [slot, row] of this.rows.entries()) {
      if (row === null) continue;
      this.sample(row, decodeLane, slot);
      if (row.finishReason === null) continue;
      this.rows[slot] = null;
      this.finish(row);
    }
  }

  private sample(row: CompletionRow, lane: Lane, laneRow: number): void {
    const { sampler } = this.options;
    const id = sampler.next(lane.scores(laneRow), lane.probabilities(laneRow), row);
    row.push(id, sampler.logprob);
  }

  private finish(row: CompletionRow): void {
    const { adapter, onFinish } = this.options;
    onFinish(row.completion(adapter, performance.now()));
  }

  private abort(): void {
    const { queue, params, tokenizer, maxContext } = this.options;
    const startedAt = performance.now();
    const pending = [...queue.rest()].map(
      ({ request, sampleIndex }) =>
        new CompletionRow({ request, sampleIndex, params, tokenizer, maxContext, startedAt }),
    );
    const active = this.rows.splice(0).filter((row) => row !== null);
    for (const row of [...active, ...pending]) {
      row.abort();
      this.finish(row);
    }
  }
}
