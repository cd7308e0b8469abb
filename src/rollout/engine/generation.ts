/**
 * One call of `generate`: continuous batching. Each slot, a row of the decoding lane, holds a completion in
 * progress at its own length. After every step the slots of finished ones go to waiting completions, or to
 * those in the last slots when none wait, so that no step computes an empty row.
 */
import type { Completion, RolloutTokenizer, SamplingParams } from '../types.js';
import { CompletionRow } from './completion-row.js';
import type { Lane } from './lane.js';
import type { PromptQueue, ReadySample } from './prompt-queue.js';
import type { TokenChooser } from './token-chooser.js';

export interface GenerationOptions {
  readonly queue: PromptQueue;
  readonly promptLane: Lane;
  readonly decodeLane: Lane;
  readonly chooser: TokenChooser;
  readonly inverseTemperature: number;
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
    const { queue, decodeLane } = this.options;
    let slots = this.freeSlots();
    while (slots.length > 0 && !queue.isEmpty && !this.isAborted()) {
      const samples = queue.take(slots.length);
      if (samples.length > 0) await this.start(samples, slots);
      else {
        await decodeLane.cache.settle();
        await queue.fetch();
      }
      slots = this.freeSlots();
    }
  }

  private freeSlots(): number[] {
    return Array.from({ length: this.options.slots }, (_, slot) => slot).filter(
      (slot) => (this.rows[slot] ?? null) === null,
    );
  }

  private nextFree(from: number): number {
    let slot = from;
    while (slot < this.rows.length && this.rows[slot] !== null) slot++;
    return slot;
  }

  /** Samples first tokens; completions of which that is not the last, too, take the slots in their order. */
  private async start(samples: readonly ReadySample[], slots: readonly number[]): Promise<void> {
    const { params, tokenizer, maxContext, promptLane, decodeLane, chooser } = this.options;
    const draws = samples.map(({ laneRow, ...sample }) => ({
      row: new CompletionRow({ ...sample, params, tokenizer, maxContext }),
      laneRow,
    }));
    await chooser.choose(promptLane, draws);
    let taken = 0;
    for (const { row, laneRow } of draws) {
      if (row.finishReason !== null) {
        this.finish(row);
        continue;
      }
      const slot = slots[taken++]!;
      this.rows[slot] = row;
      const tokens = row.request.promptIds.length;
      decodeLane.cache.copyRow(promptLane.cache, laneRow, slot, tokens);
    }
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
    const { decodeLane, inverseTemperature, chooser } = this.options;
    const batch = this.rows.length;
    decodeLane.shape({ batch, tokens: 1, wanted: batch });
    const { ids, lastPositions, rows: wanted } = decodeLane;
    for (const [slot, row] of this.rows.entries()) {
      if (row === null) continue;
      ids[slot] = row.lastId;
      lastPositions[slot] = row.length - 1;
      wanted[slot] = slot;
    }
    await decodeLane.run(inverseTemperature);
    const draws = this.rows.flatMap((row, slot) => (row === null ? [] : [{ row, laneRow: slot }]));
    await chooser.choose(decodeLane, draws);
    for (const [slot, row] of this.rows.entries()) {
      if (row === null || row.finishReason === null) continue;
      this.rows[slot] = null;
      this.finish(row);
    }
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
