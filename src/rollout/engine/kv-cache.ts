/**
 * Keys and values of all layers for a number of rows, [rows, KV heads, capacity, head size] each, in memory
 * that is kept from call to call and only grows. The graph reads and updates it in place.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { type OrtTensor, tensorOver } from '../ort/tensor.js';

export interface CacheGeometry {
  readonly rows: number;
  /** Tokens that a row can hold. */
  readonly capacity: number;
}

/** Bytes of one token in one row. */
export function cacheBytesPerToken(spec: DecoderSpec): number {
  return spec.layers.length * 2 * spec.numKvHeads * spec.headDim * Float32Array.BYTES_PER_ELEMENT;
}

export class KvCache {
  private readonly heads: number;
  private readonly headDim: number;
  /** Keys and values alternating, layer by layer. */
  private arrays: Float32Array[];
  private capacity = 0;

  constructor({ numKvHeads, headDim, layers }: DecoderSpec) {
    this.heads = numKvHeads;
    this.headDim = headDim;
    this.arrays = Array.from({ length: 2 * layers.length }, () => new Float32Array(0));
  }

  /** Makes room and lays the rows out anew; what was in the cache is lost. */
  shape({ rows, capacity }: CacheGeometry): void {
    const size = rows * this.heads * capacity * this.headDim;
    this.capacity = capacity;
    if (this.arrays[0]!.length < size) this.arrays = this.arrays.map(() => new Float32Array(size));
  }

  /** Tensors over the first `rows` rows, keys and values alternating, layer by layer. */
  tensors(rows: number): OrtTensor[] {
    const shape = [rows, this.heads, this.capacity, this.headDim];
    const size = rows * this.heads * this.capacity * this.headDim;
    return this.arrays.map((array) => tensorOver(array.subarray(0, size), shape));
  }

  /** Copies the first `tokens` tokens of row `fromRow` of `from` into row `toRow`. */
  copyRow(from: KvCache, fromRow: number, toRow: number, tokens: number): void {
    const length = tokens * this.headDim;
    for (const [i, target] of this.arrays.entries()) {
      const source = from.arrays[i]!;
      for (let head = 0; head < this.heads; head++) {
        const start = (fromRow * this.heads + head) * from.capacity * this.headDim;
        const at = (toRow * this.heads + head) * this.capacity * this.headDim;
        if (source === target) target.copyWithin(at, start, start + length);
        else target.set(source.subarray(start, start + length), at);
      }
    }
  }
}
