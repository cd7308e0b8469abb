/** What the past of rows takes in a cache, known without loading anything. */
import { attentionLayers, type DecoderSpec } from '../../model/spec.js';
import { sum } from '../../util/numbers.js';
import { elementCount } from '../../util/shape.js';
import { cacheTensors } from '../graph/cache-tensors.js';
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

/** Bytes of one token in one row: its keys and values. */
export function cacheBytesPerToken(spec: DecoderSpec, kind: CacheType): number {
  const bytes = cacheElement(kind) === 'float32' ? 4 : 2;
  return attentionLayers(spec).length * 2 * spec.numKvHeads * spec.headDim * bytes;
}

/** Bytes of one row besides: its states. */
export function cacheBytesPerRow(spec: DecoderSpec): number {
  const states = cacheTensors(spec).filter(({ kind }) => kind === 'state');
  return sum(states.map(({ rowShape }) => 4 * elementCount(rowShape(0))));
}
