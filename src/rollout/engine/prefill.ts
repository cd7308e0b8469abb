/**
 * Prompts through the model: right-padded batches from nothing, or one prompt in chunks, where it is long or
 * its beginning is there. A padded row
 * is computed to its end like any other; causal attention and convolutions keep the padding out of what stands before
 * it.
 */
import { largest } from '../../util/numbers.js';
import type { Lane } from './lane.js';
import type { KeptPrefix } from './prefix-cache.js';

/**
 * Length that the longest of the sequences is padded to. Even: an odd number of keys makes attention's
 * matrix products end in a narrower kernel, whose last bits are other, so that a prompt alone would not come
 * out as in a batch.
 */
export function paddedLength(sequences: readonly (readonly number[])[]): number {
  const longest = largest(sequences.map(({ length }) => length));
  return longest + (longest % 2);
}

/** Writes right-padded `sequences` and sets every row to full length, but for states, which end with the sequence. */
export function fillBatch(
  lane: Lane,
  sequences: readonly (readonly number[])[],
  tokens: number,
): void {
  for (const [row, sequence] of sequences.entries()) {
    const start = row * tokens;
    for (let i = 0; i < sequence.length; i++) lane.ids[start + i] = sequence[i]!;
    lane.ids.fill(0, start + sequence.length, start + tokens);
    lane.lastPositions[row] = tokens - 1;
    lane.lengths[row] = sequence.length;
  }
}

/**
 * Splits the beginning of a list of lengths into a batch whose padded size stays within the limits; at
 * least one sequence.
 */
export function batchSize(
  lengths: readonly number[],
  limits: { readonly rows: number; readonly tokens: number },
): number {
  let longest = 0;
  let count = 0;
  for (const length of lengths) {
    longest = Math.max(longest, length);
    if (count > 0 && (count >= limits.rows || longest * (count + 1) > limits.tokens)) break;
    count++;
  }
  return count;
}

export interface PrefillOptions {
  /** Factor of each prompt's logits, or of all. */
  readonly inverseTemperature: number | readonly number[];
  /** Most tokens of one run; a longer prompt, which comes alone, is cut into pieces. */
  readonly maxTokens: number;
  /** The beginning of the prompt, which comes alone. */
  readonly kept?: KeptPrefix | null;
}

/** Fills the lane's cache with the prompts; logits of row i are those after prompt i. */
export async function prefill(
  lane: Lane,
  prompts: readonly (readonly number[])[],
  options: PrefillOptions,
): Promise<void> {
  const tokens = paddedLength(prompts);
  lane.shapeCache({ rows: prompts.length, capacity: tokens });
  const { kept = null, maxTokens } = options;
  if (kept !== null || (prompts.length === 1 && tokens > maxTokens)) {
    if (kept !== null) {
      lane.cache.copyRow(kept.cache, { fromRow: 0, toRow: 0, tokens: kept.tokens });
    }
    await prefillFrom(lane, prompts[0]!, kept?.tokens ?? 0, options);
    return;
  }
  lane.shape({ batch: prompts.length, tokens, wanted: prompts.length });
  fillBatch(lane, prompts, tokens);
  for (const [row, prompt] of prompts.entries()) {
    lane.rows[row] = row * tokens + prompt.length - 1;
  }
  await lane.run(options.inverseTemperature);
}

/** @param done Tokens of the prompt that the cache holds. */
async function prefillFrom(
  lane: Lane,
  prompt: readonly number[],
  done: number,
  { inverseTemperature, maxTokens }: PrefillOptions,
): Promise<void> {
  for (const { start, ids } of chunks(prompt.slice(done), maxTokens)) {
    lane.shape({ batch: 1, tokens: ids.length, wanted: 1 });
    lane.ids.set(ids);
    lane.lastPositions[0] = done + start + ids.length - 1;
    lane.rows[0] = ids.length - 1;
    await lane.run(inverseTemperature);
  }
}

/** Pieces of at most `size` ids, each with the index of its first. */
export function* chunks(
  ids: readonly number[],
  size: number,
): Generator<{ readonly start: number; readonly ids: readonly number[] }> {
  for (let start = 0; start < ids.length; start += size) {
    yield { start, ids: ids.slice(start, start + size) };
  }
}
