/** Checkpoint tensors as float32 weights of the graph. */
import { type HostTensor, toFloat32 } from '../../weights/index.js';
import type { GraphWeight } from '../onnx/graph-builder.js';
import type { ProjectionPart } from './projections.js';

/** A tensor of the checkpoint by its Hugging Face name; its bytes are best made when they are asked for. */
export type WeightSource = (name: string) => HostTensor;

export type Weight = Omit<GraphWeight, 'name' | 'byteLength'>;

/** The values that bytes hold. */
export function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The tensor `name` of the given shape, with `offset` added to every element. */
export function tensorWeight(
  source: WeightSource,
  name: string,
  shape: readonly number[],
  offset = 0,
): Weight {
  const write = (target: Uint8Array) => {
    const values = floats(target);
    values.set(toFloat32(source(name)));
    if (offset !== 0) for (let i = 0; i < values.length; i++) values[i] = values[i]! + offset;
  };
  return { type: 'float32', shape, write };
}

/** The tensor `name` in the bytes of the checkpoint. */
export function checkpointWeight(source: WeightSource, name: string): Weight {
  const tensor = source(name);
  const { dtype: type, shape, place } = tensor;
  const write = (target: Uint8Array) => target.set(tensor.bytes);
  return { type, shape, write, ...(place && { place }) };
}

/** Weights of the parts stacked along the outputs, [Σ count, in], as the checkpoint lays them out. */
export function stackedWeight(
  source: WeightSource,
  parts: readonly ProjectionPart[],
  inFeatures: number,
): Weight {
  const rows = parts.reduce((sum, { count }) => sum + count, 0);
  const write = (target: Uint8Array) => {
    const values = floats(target);
    let row = 0;
    for (const { module, start, count } of parts) {
      const tensor = toFloat32(source(`${module}.weight`));
      values.set(
        tensor.subarray(start * inFeatures, (start + count) * inFeatures),
        row * inFeatures,
      );
      row += count;
    }
  };
  return { type: 'float32', shape: [rows, inFeatures], write };
}

/** Biases of the parts side by side, [Σ count]; zero where a part has none. */
export function stackedBias(source: WeightSource, parts: readonly ProjectionPart[]): Weight {
  const length = parts.reduce((sum, { count }) => sum + count, 0);
  const write = (target: Uint8Array) => {
    const values = floats(target).fill(0);
    let at = 0;
    for (const { module, bias, start, count } of parts) {
      if (bias) {
        values.set(toFloat32(source(`${module}.bias`)).subarray(start, start + count), at);
      }
      at += count;
    }
  };
  return { type: 'float32', shape: [length], write };
}
