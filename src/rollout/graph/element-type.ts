/** What a graph of ONNX Runtime's own operators computes in, and float32 weights as numbers of that type. */
import { elementCount } from '../../util/shape.js';
import { fromFloat32, type HostDtype } from '../../weights/index.js';
import type { Weight } from './weight-source.js';

/** The CPU and WebGPU compute attention in float32, CUDA in a type of two bytes only. */
export type ComputeElement = HostDtype;

/** A float32 weight, narrowed as it is written. */
export function inType(weight: Weight, type: ComputeElement): Weight {
  if (type === 'float32') return weight;
  const { shape, write } = weight;
  return {
    type,
    shape,
    write(target) {
      const values = new Float32Array(elementCount(shape));
      write(new Uint8Array(values.buffer));
      target.set(fromFloat32(values, shape, type).bytes);
    },
  };
}
