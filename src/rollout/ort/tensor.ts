/** Tensors of ONNX Runtime over JavaScript memory. */
import { ELEMENT_TYPES, type ElementType } from '../onnx/schema.js';
import { ortRuntime, receive } from './runtime.js';

export type TensorData =
  | Float32Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint16Array;

/** A native tensor. Whoever creates it disposes it; a binding or session it was given to keeps working. */
export interface OrtTensor {
  readonly handle: bigint;
  readonly shape: readonly number[];
  /** The memory behind the tensor; referenced here so that it outlives the native object. */
  readonly data: TensorData;
  dispose(): void;
}

function elementTypeOf(data: TensorData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int8Array) return 'int8';
  return data instanceof Uint8Array ? 'uint8' : 'float16';
}

/** A tensor over `data` without a copy: what JavaScript writes there, the next run reads. */
export function tensorOver(
  data: TensorData,
  shape: readonly number[],
  elementType: ElementType = elementTypeOf(data),
): OrtTensor {
  const { api, cpuMemory } = ortRuntime();
  const type = ELEMENT_TYPES[elementType];
  const handle = receive(api, 'CreateTensorWithDataAsOrtValue', (out) =>
    api.CreateTensorWithDataAsOrtValue(
      cpuMemory,
      data,
      data.byteLength,
      BigInt64Array.from(shape, BigInt),
      shape.length,
      type,
      out,
    ),
  );
  let alive = true;
  return {
    handle,
    shape,
    data,
    dispose() {
      if (alive) api.ReleaseValue(handle);
      alive = false;
    },
  };
}
