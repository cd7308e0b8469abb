/**
 * Keys and values of sequences that have ended, for prompts that begin as they did, e.g. the next turn of a
 * chat. The last ones stay, in so many bytes of the host's memory; of a longer one its beginning.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { CACHE_BLOCK } from '../graph/native-layout.js';
import { type CacheType, cacheBytesPerToken } from './cache-bytes.js';
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
  /** The newest last. None begins as another one goes on. */
  private entries: readonly Entry[] = [];

  constructor(spec: DecoderSpec, { type, maxBytes }: { type: CacheType; maxBytes: number }) {
    this.spec = spec;
    this.type = type;
    const blocks = Math.floor(maxBytes / (CACHE_BLOCK * cacheBytesPerToken(spec, type)));
    this.maxTokens = CACHE_BLOCK * blocks;
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
      if (tokens >= fewest && tokens > (found?.tokens ?? 0)) found = { cache: entry.cache, tokens };
    }
    return found;
  }

  /** Copies a row that holds these ids; it takes the place of those that it goes on from, and of the oldest. */
  keep({ cache, row }: CacheRow, sequence: readonly number[], version: string | null): void {
    const ids = sequence.slice(0, this.maxTokens);
    const same = this.entries.filter((entry) => entry.version === version);
    const goesOn = same.some((entry) => commonLength(entry.ids, ids) === ids.length);
    if (ids.length < CACHE_BLOCK || goesOn) return;
    const isPart = (entry: Entry) => commonLength(entry.ids, ids) === entry.ids.length;
    const others = this.entries.filter((entry) => entry.version !== version || !isPart(entry));
    let room = this.maxTokens - blocksOf(ids);
    const kept = others.toReversed().filter((entry) => {
      room -= blocksOf(entry.ids);
      return room >= 0;
    });
    // Those that leave give their memory before another takes its own.
    this.entries = kept.toReversed();
    const copy: RowCache = new KvCache(this.spec, this.type);
    copy.shape({ rows: 1, capacity: ids.length });
    copy.copyRow(cache, row, 0, ids.length);
    this.entries = [...this.entries, { cache: copy, ids, version }];
  }

  clear(): void {
    this.entries = [];
  }
}

/** Tokens that a copy has room for. */
const blocksOf = ({ length }: readonly number[]): number =>
  CACHE_BLOCK * Math.ceil(length / CACHE_BLOCK);

function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
