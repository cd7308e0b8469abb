/**
 * What is kept of sequences that have ended, for prompts that begin as they did, e.g. the next turn of a chat. The
 * last ones stay, in so many bytes of the host's memory; of a longer one its beginning. Where layers have states, which
 * are there for a sequence's end only, a prompt must go on from all of a sequence, and one that is too long does not
 * stay.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { CACHE_BLOCK } from '../graph/native-layout.js';
import { type CacheType, cacheBytesPerRow, cacheBytesPerToken } from './cache-bytes.js';
import { KvCache } from './kv-cache.js';
import type { RowCache } from './row-cache.js';

/** The first `tokens` tokens of row 0 hold the beginning of a prompt. */
export interface KeptPrefix {
  readonly cache: RowCache;
  readonly tokens: number;
}

/** A row of a cache. */
export interface CacheRow {
  readonly cache: RowCache;
  readonly row: number;
}

interface Entry {
  readonly cache: RowCache;
  readonly ids: readonly number[];
  /** What computed it: the adapter's hash. */
  readonly version: string | null;
}

export class PrefixCache {
  private readonly spec: DecoderSpec;
  private readonly type: CacheType;
  private readonly maxTokens: number;
  private readonly maxBytes: number;
  private readonly bytesPerToken: number;
  private readonly bytesPerRow: number;
  /** The newest last. None begins as another one goes on. */
  private entries: readonly Entry[] = [];

  constructor(spec: DecoderSpec, { type, maxBytes }: { type: CacheType; maxBytes: number }) {
    this.spec = spec;
    this.type = type;
    this.maxBytes = maxBytes;
    this.bytesPerToken = cacheBytesPerToken(spec, type);
    this.bytesPerRow = cacheBytesPerRow(spec);
    const room = maxBytes - this.bytesPerRow;
    this.maxTokens = CACHE_BLOCK * Math.floor(room / (CACHE_BLOCK * this.bytesPerToken));
  }

  /**
   * What is there of a prompt, its last token never: that gives the logits. Null for less than a block, and
   * for less than half of the prompt, which is then computed together with others.
   */
  find(prompt: readonly number[], version: string | null): KeptPrefix | null {
    const fewest = Math.max(CACHE_BLOCK, prompt.length / 2);
    let found: KeptPrefix | null = null;
    for (const entry of this.entries) {
      if (entry.version !== version) continue;
      const tokens = Math.min(commonLength(entry.ids, prompt), prompt.length - 1);
      if (this.hasStates && tokens < entry.ids.length) continue;
      if (tokens >= fewest && tokens > (found?.tokens ?? 0)) found = { cache: entry.cache, tokens };
    }
    return found;
  }

  /** Copies a row that holds these ids; it takes the place of those that it goes on from, and of the oldest. */
  keep({ cache, row }: CacheRow, sequence: readonly number[], version: string | null): void {
    if (this.hasStates && sequence.length > this.maxTokens) return;
    const ids = sequence.slice(0, this.maxTokens);
    const same = this.entries.filter((entry) => entry.version === version);
    const holds = (entry: Entry) =>
      commonLength(entry.ids, ids) === ids.length &&
      (!this.hasStates || entry.ids.length === ids.length);
    if (ids.length < CACHE_BLOCK || same.some(holds)) return;
    const isPart = (entry: Entry) => commonLength(entry.ids, ids) === entry.ids.length;
    const others = this.entries.filter((entry) => entry.version !== version || !isPart(entry));
    let room = this.maxBytes - this.bytesOf(ids);
    const kept = others.toReversed().filter((entry) => {
      room -= this.bytesOf(entry.ids);
      return room >= 0;
    });
    // Those that leave give their memory before another takes its own.
    this.entries = kept.toReversed();
    const copy: RowCache = new KvCache(this.spec, this.type);
    copy.shape({ rows: 1, capacity: ids.length });
    copy.copyRow(cache, { fromRow: row, toRow: 0, tokens: ids.length });
    this.entries = [...this.entries, { cache: copy, ids, version }];
  }

  clear(): void {
    this.entries = [];
  }

  private get hasStates(): boolean {
    return this.bytesPerRow > 0;
  }

  /** Of a copy, which has room for whole blocks. */
  private bytesOf({ length }: readonly number[]): number {
    const tokens = CACHE_BLOCK * Math.ceil(length / CACHE_BLOCK);
    return tokens * this.bytesPerToken + this.bytesPerRow;
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
