/** A tensor in host memory as it stands in a checkpoint: raw little-endian bytes with dtype and shape. */

export type HostDtype = 'float32' | 'float16' | 'bfloat16';

export interface HostTensor {
  readonly dtype: HostDtype;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}
