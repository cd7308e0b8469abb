/** What is kept of the past of a number of rows (graph/cache-tensors.ts), wherever the memory is. */
import type { OrtTensor } from '../ort/tensor.js';

export interface CacheGeometry {
  readonly rows: number;
  /** Tokens that a row can hold. */
  readonly capacity: number;
}

export interface RowCopy {
  readonly fromRow: number;
  readonly toRow: number;
  readonly tokens: number;
}

export interface RowCache {
  /** Makes room and lays the rows out anew; what was in the cache is lost. */
  shape(geometry: CacheGeometry): void;
  /** Tensors over the first `rows` rows, in the order of `cacheTensors`. */
  tensors(rows: number): OrtTensor[];
  /**
   * Copies at least the first `tokens` tokens of a row of `from`, and its states, which are those after all its
   * tokens; at the latest by `settle`.
   */
  copyRow(from: RowCache, copy: RowCopy): void;
  /** Waits for copies under way. Call it before a run over either cache. */
  settle(): Promise<void>;
  dispose(): void;
}
