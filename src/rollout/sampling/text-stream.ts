/**
 * The text of a completion as its tokens come. What may still change is held back: characters whose bytes are
 * not all there, and what a stop string may begin with. Put together the pieces are the text of the completion.
 */
import type { RolloutTokenizer } from '../types.js';
import { findStop } from './stop-matcher.js';

/** What incomplete UTF-8 decodes to. */
const INCOMPLETE = '\uFFFD';

/** Follows one completion. */
export class TextStream {
  private readonly tokenizer: RolloutTokenizer;
  private readonly stops: readonly string[];
  /** Tokens that end the completion, which are no part of its text. */
  private readonly endIds: ReadonlySet<number>;
  /** Ids whose text is out of the decoder already come first: they give the following ones their context. */
  private window: number[] = [];
  private settled = 0;
  /** Decoded, and not given out. */
  private held = '';
  private given = 0;
  private isStopped = false;

  /** @param stopIds tokens that end the completion beside the tokenizer's own */
  constructor(
    tokenizer: RolloutTokenizer,
    stops: readonly string[] = [],
    stopIds: readonly number[] = [],
  ) {
    this.tokenizer = tokenizer;
    this.stops = stops;
    this.endIds = new Set([...tokenizer.eosIds, ...stopIds]);
  }

  /** Takes the next id; what can be shown now, often nothing. */
  push(id: number): string {
    if (this.endIds.has(id)) return '';
    this.window.push(id);
    const before = this.text(this.window.slice(0, this.settled));
    const text = this.text(this.window);
    if (this.isStopped || text.endsWith(INCOMPLETE) || text.length <= before.length) return '';
    this.held += text.slice(before.length);
    this.window = this.window.slice(this.settled);
    this.settled = this.window.length;
    this.isStopped = findStop(this.held, this.stops) >= 0;
    return this.isStopped ? '' : this.give(this.held.length - this.beginningOfStop());
  }

  /** What is left to show of a completion that has ended with this text. */
  end(text: string): string {
    return text.slice(this.given);
  }

  private text(ids: readonly number[]): string {
    return this.tokenizer.decode(ids, { skipSpecialTokens: true });
  }

  private give(count: number): string {
    const piece = this.held.slice(0, count);
    this.held = this.held.slice(count);
    this.given += count;
    return piece;
  }

  /** Length of the longest end of what is held that a stop string begins with. */
  private beginningOfStop(): number {
    const lengths = this.stops.map((stop) => {
      let length = Math.min(stop.length - 1, this.held.length);
      while (length > 0 && !stop.startsWith(this.held.slice(-length))) length--;
      return length;
    });
    return Math.max(0, ...lengths);
  }
}
