/**
 * Heads of a gated delta rule by groups. Between the projections no key head's part meets another one's, so that groups
 * can take turns, and the tape holds one at a time.
 */
import { cut, joined, type Tensor } from '../tensor/index.js';
import { sum } from '../util/numbers.js';
import type { GatedDeltaLayer } from './spec.js';
import { deltaWidths } from './spec-modules.js';

/** Columns `from` up to `from + count`. */
type Span = readonly [from: number, count: number];

export interface HeadGroup {
  /** The rule of these heads alone. */
  readonly mixer: GatedDeltaLayer;
  /** Of queries, keys and values, which stand side by side. */
  readonly qkv: readonly Span[];
  /** Of z, and of the result. */
  readonly values: readonly Span[];
  /** Of b and a. */
  readonly heads: readonly Span[];
}

/** Bytes that the tape of one group should keep to. */
const GROUP_BYTES = 2 ** 28;

const FLOAT = 4;

/**
 * Bytes that the tape holds of a token, as measured without our own operations; with them a fifth less.
 * @param chunk Places of one
 */
export function deltaTapeBytes(mixer: GatedDeltaLayer, chunk: number): number {
  const { valueHeads, keyDim, valueDim } = mixer;
  const widths = deltaWidths(mixer);
  const byToken = 5 * sum(widths) + 4 * widths[2];
  // Pairs of places, corrections and states of chunks.
  const byHead = chunk + valueDim + (keyDim * valueDim) / chunk;
  return FLOAT * (byToken + valueHeads * byHead);
}

/** The fewest groups of equal size that keep to the bytes; one for each key head where none do. */
export function groupCount(bytes: number, keyHeads: number): number {
  for (let count = 1; count < keyHeads; count++) {
    if (keyHeads % count === 0 && bytes <= count * GROUP_BYTES) return count;
  }
  return keyHeads;
}

export function headGroups(mixer: GatedDeltaLayer, count: number): HeadGroup[] {
  const [keyHeads, valueHeads] = [mixer.keyHeads / count, mixer.valueHeads / count];
  const own = { ...mixer, keyHeads, valueHeads };
  const [keys, , values] = deltaWidths(own);
  const all = deltaWidths(mixer);
  return Array.from({ length: count }, (_, i): HeadGroup => {
    const apart: Span[] = [
      [i * keys, keys],
      [all[0] + i * keys, keys],
      [all[0] + all[1] + i * values, values],
    ];
    return {
      mixer: own,
      qkv: count === 1 ? [[0, sum(all)]] : apart,
      values: [[i * values, values]],
      heads: [[i * valueHeads, valueHeads]],
    };
  });
}

/** Parts of a tensor along an axis, one after the other; itself where they are all of it. */
export function taken(x: Tensor, spans: readonly Span[], axis: 0 | 1): Tensor {
  const parts = spans.map(([from, count]) =>
    cut(
      x,
      x.shape.map((_, i) => (i === axis ? from : 0)),
      x.shape.map((size, i) => (i === axis ? count : size)),
    ),
  );
  return joined(parts, axis);
}
