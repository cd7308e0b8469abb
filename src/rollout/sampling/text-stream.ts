/**
 * The text of a completion as its tokens come. What may still change is held back: characters whose bytes are
 * not all there, and what a stop string may begin with. Put together the pieces are the text of the completion.
 */
import type { RolloutTokenizer } from '../types.js';
import { findStop, INCOMPLETE } from './stop-matcher.js';

/** What has come with one or more tokens: with its special tokens, in which a stop string may begin, and without. */
interface Piece {
  readonly raw: string;
  readonly text: string;
}

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
  private held: Piece[] = [];
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
    const before = this.decoded(this.window.slice(0, this.settled));
    const all = this.decoded(this.window);
    const isMore = all.text.length > before.text.length && !all.text.endsWith(INCOMPLETE);
    if (this.isStopped || !isMore) return '';
    this.held.push({
      raw: all.raw.slice(before.raw.length),
      text: all.text.slice(before.text.length),
    });
    this.window = this.window.slice(this.settled);
    this.settled = this.window.length;
    const raw = this.held.map((piece) => piece.raw).join('');
    this.isStopped = findStop(raw, this.stops) >= 0;
    return this.isStopped ? '' : this.giveBefore(this.beginningOfStop(raw));
  }

  /** What is left to show of a completion that has ended with this text. */
  end(text: string): string {
    return text.slice(this.given);
  }

  private decoded(ids: readonly number[]): Piece {
    const text = this.tokenizer.decode(ids, { skipSpecialTokens: true });
    return { text, raw: this.stops.length === 0 ? text : this.tokenizer.decode(ids) };
  }

  /** Gives out what is held but for its last `count` characters with special tokens, and any that stand among them. */
  private giveBefore(count: number): string {
    const kept: Piece[] = [];
    for (let missing = count; missing > 0; ) {
      const { raw, text } = this.held.pop()!;
      const from = raw === text ? Math.max(0, raw.length - missing) : 0;
      kept.unshift({ raw: raw.slice(from), text: text.slice(from) });
      if (from > 0) this.held.push({ raw: raw.slice(0, from), text: text.slice(0, from) });
      missing -= raw.length - from;
    }
    const given = this.held.map(({ text }) => text).join('');
    this.held = kept;
    this.given += given.length;
    return given;
  }

  /** Length of the longest end of what is held that a stop string begins with. */
  private beginningOfStop(raw: string): number {
    const lengths = this.stops.map((stop) => {
      let length = Math.min(stop.length - 1, raw.length);
      while (length > 0 && !stop.startsWith(raw.slice(-length))) length--;
      return length;
    });
    return Math.max(0, ...lengths);
  }
}
