/**
 * Keys and values of all layers for a number of rows, [rows, KV heads, capacity, head size] each, and states of one
 * size, in memory that is kept from call to call and only grows; states begin as zeros. The graph reads and updates it in place. Our own
 * operators keep the keys of 16 tokens together, [capacity / 16, head size, 16] in place of [capacity, head size].
 */
import type { DecoderSpec } from '../../model/spec.js';
import { elementCount } from '../../util/shape.js';
import { type CacheTensor, cacheTensors } from '../graph/cache-tensors.js';
import type { ComputeElement } from '../graph/element-type.js';
import { CACHE_BLOCK, type NativeKernels } from '../graph/native-layout.js';
import { type HostTensor, tensorOver } from '../ort/tensor.js';
import { type CacheType, cacheElement } from './cache-bytes.js';
import type { CacheGeometry, RowCache, RowCopy } from './row-cache.js';

type CacheArray = Float32Array | Uint16Array;

const FLOATS: CacheType = { native: null, type: 'float32' };

export class KvCache implements RowCache {
  private readonly layout: readonly CacheTensor[];
  private readonly heads: number;
  private readonly headDim: number;
  /** Tokens whose keys stand together. */
  private readonly block: number;
  private readonly type: ComputeElement;
  private readonly onAllocate: NativeKernels['onAllocate'];
  /** In the order of the layout. */
  private arrays: CacheArray[];
  private capacity = 0;

  constructor(spec: DecoderSpec, kind: CacheType = FLOATS) {
    const { native } = kind;
    this.layout = cacheTensors(spec);
    this.heads = spec.numKvHeads;
    this.headDim = spec.headDim;
    this.block = native === null ? 1 : CACHE_BLOCK;
    this.type = cacheElement(kind);
    this.onAllocate = native?.onAllocate;
    this.arrays = this.layout.map((tensor) => this.allocate(tensor, 0));
  }

  shape({ rows, capacity }: CacheGeometry): void {
    this.capacity = this.wholeBlocks(capacity);
    this.arrays = this.layout.map((tensor, i) => {
      const size = rows * this.rowSize(tensor);
      const known = this.arrays[i]!;
      if (known.length < size) return this.allocate(tensor, size);
      return tensor.kind === 'state' ? known.fill(0) : known;
    });
  }

  tensors(rows: number): HostTensor[] {
    return this.layout.map((tensor, i) => {
      const shape = [rows, ...tensor.rowShape(this.capacity)];
      const data = this.arrays[i]!.subarray(0, rows * this.rowSize(tensor));
      return tensorOver(data, shape, this.elementOf(tensor));
    });
  }

  copyRow(from: KvCache, { fromRow, toRow, tokens }: RowCopy): void {
    for (const [i, tensor] of this.layout.entries()) {
      const [source, target] = [from.arrays[i]!, this.arrays[i]!];
      if (tensor.kind === 'tokens') {
        const length = this.wholeBlocks(tokens) * this.headDim;
        for (let head = 0; head < this.heads; head++) {
          const start = (fromRow * this.heads + head) * from.capacity * this.headDim;
          const at = (toRow * this.heads + head) * this.capacity * this.headDim;
          copy(source, target, { start, at, length });
        }
      } else {
        const length = this.rowSize(tensor);
        copy(source, target, { start: fromRow * length, at: toRow * length, length });
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

  private rowSize({ rowShape }: CacheTensor): number {
    return elementCount(rowShape(this.capacity));
  }

  private elementOf({ kind }: CacheTensor): ComputeElement {
    return kind === 'tokens' ? this.type : 'float32';
  }

  private allocate(tensor: CacheTensor, size: number): CacheArray {
    const isFloat = this.elementOf(tensor) === 'float32';
    const array = isFloat ? new Float32Array(size) : new Uint16Array(size);
    this.onAllocate?.(array);
    return array;
  }
}

interface Copied {
  readonly start: number;
  readonly at: number;
  readonly length: number;
}

function copy(source: CacheArray, target: CacheArray, { start, at, length }: Copied): void {
  if (source === target) target.copyWithin(at, start, start + length);
  else target.set(source.subarray(start, start + length), at);
}
