/**
 * One call of `generate`: continuous batching. Each slot, a row of the decoding lane, holds a completion in
 * progress at its own length. After every step the slots of finished ones go to waiting completions, or to
 * those in the last slots when none wait, so that no step computes an empty row.
 */
import type { Completion, RolloutTokenizer, StreamOptions } from '../types.js';
import { CompletionRow } from './completion-row.js';
import type { FurtherRequests } from './further-requests.js';
import type { Lane } from './lane.js';
import type { CacheRow } from './prefix-cache.js';
import type { PromptQueue, ReadySample, WaitingSample } from './prompt-queue.js';
import type { RequestSamplers } from './request-samplers.js';
import type { Draw, TokenChooser } from './token-chooser.js';

export interface GenerationOptions
  extends Pick<StreamOptions, 'signal' | 'onToken' | 'arrivals' | 'onFailure'> {
  readonly queue: PromptQueue;
  readonly promptLane: Lane;
  readonly decodeLane: Lane;
  readonly chooser: TokenChooser;
  readonly samplers: RequestSamplers;
  readonly tokenizer: RolloutTokenizer;
  readonly slots: number;
  readonly maxContext: number;
  readonly adapter: string | null;
  readonly onFinish: (completion: Completion) => void;
  readonly further: FurtherRequests | null;
  /** Told of the keys and values of what has ended: those of the ids. */
  readonly keep?: ((from: CacheRow, ids: readonly number[]) => void) | undefined;
}

export class Generation {
  private readonly options: GenerationOptions;
  /** By slot; null where a completion has finished. */
  private readonly rows: (CompletionRow | null)[] = [];
  /** Taken so far; where nothing is at work, those until the next requests join are skipped. */
  private steps = 0;

  constructor(options: GenerationOptions) {
    this.options = options;
  }

  async run(): Promise<void> {
    const { further, queue } = this.options;
    while (!this.isAborted()) {
      if (further !== null) queue.add(await further.take(this.steps));
      this.receive();
      await this.admit();
      this.closeGaps();
      if (this.isAborted()) break;
      if (this.rows.length > 0) await this.step();
      else if (!this.receive()) {
        if (further === null || further.due === null) return;
        this.steps = further.due;
      }
    }
    this.abort();
  }

  /** Takes in the requests that have come, and lets those go that were ended; whether any wait. */
  private receive(): boolean {
    const { queue, arrivals } = this.options;
    if (arrivals !== undefined) queue.add(arrivals());
    for (const sample of queue.takeEnded()) this.abortRow(this.newRow(sample, performance.now()));
    for (const [slot, row] of this.rows.entries()) {
      if (row?.request.signal?.aborted !== true) continue;
      this.rows[slot] = null;
      this.keep(row, slot);
      this.abortRow(row);
    }
    return !queue.isEmpty;
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
    const { promptLane, decodeLane } = this.options;
    const draws = samples.map(({ laneRow, startedAt, ...sample }) => ({
      row: this.newRow(sample, startedAt),
      laneRow,
    }));
    await this.choose(promptLane, draws);
    let taken = 0;
    for (const { row, laneRow } of draws) {
      if (row.finishReason !== null) {
        this.keep(row, laneRow, promptLane);
        this.finish(row);
        continue;
      }
      const slot = slots[taken++]!;
      this.rows[slot] = row;
      const tokens = row.request.promptIds.length;
      decodeLane.cache.copyRow(promptLane.cache, { fromRow: laneRow, toRow: slot, tokens });
    }
  }

  private newRow(sample: WaitingSample, startedAt: number): CompletionRow {
    const { samplers, tokenizer, maxContext } = this.options;
    const params = samplers.paramsOf(sample.request);
    return new CompletionRow({ ...sample, params, tokenizer, maxContext, startedAt });
  }

  private async choose(lane: Lane, draws: readonly Draw[]): Promise<void> {
    const { chooser, onToken, onFailure } = this.options;
    await chooser.choose(lane, draws, onFailure);
    if (onToken === undefined) return;
    for (const { row } of draws) if (row.finishReason !== 'aborted') onToken(row.newest);
  }

  /** Moves the last rows into free slots. The newest token of a row is not in the cache yet. */
  private closeGaps(): void {
    const { cache } = this.options.decodeLane;
    for (let slot = this.nextFree(0); slot < this.rows.length; slot = this.nextFree(slot)) {
      const last = this.rows.pop()!;
      if (last === null) continue;
      this.rows[slot] = last;
      const fromRow = this.rows.length;
      cache.copyRow(cache, { fromRow, toRow: slot, tokens: last.length - 1 });
    }
  }

  /** One token for every row. */
  private async step(): Promise<void> {
    const { decodeLane, samplers } = this.options;
    const batch = this.rows.length;
    const factors: number[] = [];
    decodeLane.shape({ batch, tokens: 1, wanted: batch });
    const { ids, lastPositions, rows: wanted } = decodeLane;
    for (const [slot, row] of this.rows.entries()) {
      if (row === null) continue;
      factors[slot] = samplers.of(row.request).inverseTemperature;
      ids[slot] = row.lastId;
      lastPositions[slot] = row.length - 1;
      wanted[slot] = slot;
    }
    await decodeLane.run(factors);
    const draws = this.rows.flatMap((row, slot) => (row === null ? [] : [{ row, laneRow: slot }]));
    await this.choose(decodeLane, draws);
    this.steps++;
    for (const [slot, row] of this.rows.entries()) {
      if (row === null || row.finishReason === null) continue;
      this.rows[slot] = null;
      this.keep(row, slot);
      this.finish(row);
    }
  }

  /** The newest token is not in the cache. Of the completions of a prompt one is enough. */
  private keep(row: CompletionRow, laneRow: number, lane = this.options.decodeLane): void {
    if (row.sampleIndex > 0) return;
    this.options.keep?.({ cache: lane.cache, row: laneRow }, row.sequence.slice(0, -1));
  }

  private finish(row: CompletionRow): void {
    const { adapter, onFinish, further } = this.options;
    const completion = row.completion(adapter, performance.now());
    onFinish(completion);
    if (completion.finishReason !== 'aborted') further?.ask(completion, this.steps);
  }

  private abort(): void {
    const now = performance.now();
    const pending = [...this.options.queue.rest()].map((sample) => this.newRow(sample, now));
    for (const [slot, row] of this.rows.entries()) if (row !== null) this.keep(row, slot);
    const active = this.rows.splice(0).filter((row) => row !== null);
    for (const row of [...active, ...pending]) this.abortRow(row);
  }

  private abortRow(row: CompletionRow): void {
    row.abort();
    this.finish(row);
  }
}
