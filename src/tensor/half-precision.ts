/**
 * Lets operations return bfloat16 and float16, which tfjs does not know. Such a tensor is opaque: its
 * `dtype` reads `int32`, only operations run by name may take it, and `Cast` to float32 gives its values.
 */
import type { Tensor } from './tf.js';

interface OutputMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of tfjs-node's backend that makes tensors of an operation's outputs. */
export interface OutputBackend {
  createOutputTensor(metadata: OutputMetadata): Tensor;
  readonly tensorMap: { set(dataId: object, value: object): void };
}

interface TensorMaker {
  makeTensorFromTensorInfo(info: { dataId: object; shape: number[]; dtype: 'int32' }): Tensor;
}

const FLOAT16 = 19;
const BFLOAT16 = 14;

export function acceptHalfPrecision(backend: OutputBackend, engine: TensorMaker): void {
  const known = backend.createOutputTensor.bind(backend);
  backend.createOutputTensor = (metadata) => {
    if (metadata.dtype !== BFLOAT16 && metadata.dtype !== FLOAT16) return known(metadata);
    const dataId = {};
    backend.tensorMap.set(dataId, { ...metadata, values: null, refCount: 1 });
    return engine.makeTensorFromTensorInfo({ dataId, shape: metadata.shape, dtype: 'int32' });
  };
}
