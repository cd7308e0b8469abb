/** A tensor in host memory as it stands in a checkpoint: raw little-endian bytes with dtype and shape. */
import type { NestedAbsmax } from './nested-absmax.js';

export type HostDtype = 'float32' | 'float16' | 'bfloat16';

export interface HostTensor {
  readonly dtype: HostDtype;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** Where they stand as they are, if in a file. */
  readonly place?: FilePlace;
  /** What the values were made of, where they are kept in 4 bits. */
  readonly fourBit?: FourBitMatrix;
}

export interface FilePlace {
  readonly path: string;
  /** Of the first byte. */
  readonly offset: number;
}

/** A matrix in 4 bits, see `four-bit.ts`. */
export interface FourBitMatrix {
  /** Value of each code. */
  readonly table: Float32Array;
  /** Two codes a byte, the first in the upper half. */
  readonly packed: Uint8Array;
  /** Of each block of 64 values. */
  readonly absmax: Float32Array | NestedAbsmax;
}
