/**
 * Keys and values of all layers for a number of rows, [rows, KV heads, capacity, head size] each, in memory
 * that is kept from call to call and only grows. The graph reads and updates it in place. Our own operators
 * keep the keys of 16 tokens together, [capacity / 16, head size, 16] in place of [capacity, head size].
 */
import type { DecoderSpec } from '../../model/spec.js';
import type { ComputeElement } from '../graph/element-type.js';
import { CACHE_BLOCK, type NativeKernels } from '../graph/native-layout.js';
import { type HostTensor, tensorOver } from '../ort/tensor.js';
import { type CacheType, cacheElement } from './cache-bytes.js';
import type { CacheGeometry, RowCache } from './row-cache.js';

type CacheArray = Float32Array | Uint16Array;

const FLOATS: CacheType = { native: null, type: 'float32' };

export class KvCache implements RowCache {
  private readonly heads: number;
  private readonly headDim: number;
  /** Tokens whose keys stand together. */
  private readonly block: number;
  private readonly type: ComputeElement;
  private readonly onAllocate: NativeKernels['onAllocate'];
  /** Keys and values alternating, layer by layer. */
  private arrays: CacheArray[];
  private capacity = 0;

  constructor({ numKvHeads, headDim, layers }: DecoderSpec, kind: CacheType = FLOATS) {
    const { native } = kind;
    this.heads = numKvHeads;
    this.headDim = headDim;
    this.block = native === null ? 1 : CACHE_BLOCK;
    this.type = cacheElement(kind);
    this.onAllocate = native?.onAllocate;
    this.arrays = Array.from({ length: 2 * layers.length }, () => this.allocate(0));
  }

  shape({ rows, capacity }: CacheGeometry): void {
    this.capacity = this.wholeBlocks(capacity);
    const size = rows * this.heads * this.capacity * this.headDim;
    if (this.arrays[0]!.length < size) this.arrays = this.arrays.map(() => this.allocate(size));
  }

  tensors(rows: number): HostTensor[] {
    const shape = [rows, this.heads, this.capacity, this.headDim];
    const size = rows * this.heads * this.capacity * this.headDim;
    return this.arrays.map((array) => tensorOver(array.subarray(0, size), shape, this.type));
  }

  copyRow(from: KvCache, fromRow: number, toRow: number, tokens: number): void {
    const length = this.wholeBlocks(tokens) * this.headDim;
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

  /** Copies are made at once. */
  async settle(): Promise<void> {}

  /** The memory is JavaScript's. */
  dispose(): void {}

  private wholeBlocks(tokens: number): number {
    return Math.ceil(tokens / this.block) * this.block;
  }

  private allocate(size: number): CacheArray {
    const array = this.type === 'float32' ? new Float32Array(size) : new Uint16Array(size);
    this.onAllocate?.(array);
    return array;
  }
}
