/** The cuts of activation checkpointing: runs of layers that the reverse pass takes as one. */
import type { DecoderSpec } from './spec.js';
import { EMBEDDING, finalNorm, HEAD_BIAS, LM_HEAD, normBias } from './spec-modules.js';

/** Layers `from` up to, not including, `to`. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** One segment per checkpointed layer, then one with all the rest (at least one layer). */
export function segmentsOf(layers: number, checkpointed: number): Segment[] {
  const singles = Math.min(Math.max(checkpointed, 0), layers - 1);
  const segments: Segment[] = [];
  for (let layer = 0; layer < singles; layer++) segments.push({ from: layer, to: layer + 1 });
  segments.push({ from: singles, to: layers });
  return segments;
}

/** Of `names`, the parameters that a segment touches: the embedding with the first, the head with the last. */
export function segmentParameters(
  names: readonly string[],
  { from, to }: Segment,
  spec: Pick<DecoderSpec, 'layers' | 'names' | 'tieWordEmbeddings'>,
): string[] {
  const norm = finalNorm(spec);
  const head = [HEAD_BIAS, spec.tieWordEmbeddings ? EMBEDDING : LM_HEAD];
  const headNames = [norm, normBias(norm), ...head];
  const isLast = to === spec.layers.length;
  return names.filter((name) => {
    const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
    if (layer !== undefined) return Number(layer) >= from && Number(layer) < to;
    return (name === EMBEDDING && from === 0) || (isLast && headNames.includes(name));
  });
}
