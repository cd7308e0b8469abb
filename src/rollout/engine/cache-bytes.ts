/** What keys and values take, known without loading anything. */
import type { DecoderSpec } from '../../model/spec.js';
import type { ComputeElement } from '../graph/element-type.js';
import { cacheType, type NativeKernels } from '../graph/native-layout.js';

/** What a cache holds: by our own operators, or by ONNX Runtime's in the type of its graph. */
export interface CacheType {
  readonly native: NativeKernels | null;
  readonly type: ComputeElement;
}

/** Bytes of keys and values where options do not say. */
export const MAX_CACHE_BYTES = 4 * 2 ** 30;

export const cacheElement = ({ native, type }: CacheType): ComputeElement =>
  native === null ? type : cacheType(native);

/** Bytes of one token in one row. */
export function cacheBytesPerToken(spec: DecoderSpec, kind: CacheType): number {
  const bytes = cacheElement(kind) === 'float32' ? 4 : 2;
  return spec.layers.length * 2 * spec.numKvHeads * spec.headDim * bytes;
}
