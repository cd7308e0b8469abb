/** Tensors of ONNX Runtime over JavaScript memory. */
import { elementCount } from '../../util/shape.js';
import { BYTES_PER_ELEMENT, ELEMENT_TYPES, type ElementType } from '../onnx/schema.js';
import type { Pointer } from './functions.js';
import { ortRuntime, receive } from './runtime.js';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint16Array;

/** A native tensor. Whoever creates it disposes it; a binding or session it was given to keeps working. */
export interface OrtTensor {
  readonly handle: Pointer;
  readonly shape: readonly number[];
  dispose(): void;
}

/** A tensor in memory of JavaScript. */
export interface HostTensor extends OrtTensor {
  /** The memory behind the tensor; referenced here so that it outlives the native object. */
  readonly data: TensorData;
}

function elementTypeOf(data: TensorData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
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
): HostTensor {
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
  return { ...nativeTensor(handle, shape), data };
}

/** A tensor in an allocator's memory, its contents undefined. */
export function allocatedTensor(
  allocator: Pointer,
  shape: readonly number[],
  elementType: ElementType,
): OrtTensor {
  const { api } = ortRuntime();
  const sizes = BigInt64Array.from(shape, BigInt);
  const handle = receive(api, 'CreateTensorAsOrtValue', (out) =>
    api.CreateTensorAsOrtValue(allocator, sizes, shape.length, ELEMENT_TYPES[elementType], out),
  );
  return nativeTensor(handle, shape);
}

interface ViewOptions {
  /** Where the tensor is. */
  readonly memory: Pointer;
  readonly shape: readonly number[];
  readonly elementType: ElementType;
}

/** A tensor over the beginning of another one's memory, which is on a device. */
export function viewOf(tensor: OrtTensor, { memory, shape, elementType }: ViewOptions): OrtTensor {
  const { api } = ortRuntime();
  const data = receive(api, 'GetTensorMutableData', (out) =>
    api.GetTensorMutableData(tensor.handle, out),
  );
  const bytes = BYTES_PER_ELEMENT[elementType] * elementCount(shape);
  const sizes = BigInt64Array.from(shape, BigInt);
  const type = ELEMENT_TYPES[elementType];
  const handle = receive(api, 'CreateTensorWithDataAsOrtValue', (out) =>
    api.CreateTensorWithDataAsOrtValue(memory, data, bytes, sizes, shape.length, type, out),
  );
  return nativeTensor(handle, shape);
}

function nativeTensor(handle: Pointer, shape: readonly number[]): OrtTensor {
  let alive = true;
  return {
    handle,
    shape,
    dispose() {
      if (alive) ortRuntime().api.ReleaseValue(handle);
      alive = false;
    },
  };
}
