/**
 * An adapter as plain LoRA on another base: what `modules_to_save` and `bias` replace stands in the base, and
 * DoRA's factors g multiply the rows of both, g ⊙ (W + s·BA) = g ⊙ W + s·(g ⊙ B)·A. Samplers take adapters so,
 * and a merge begins with it.
 */
import { onHost, rowNorms, tf } from '../tensor/index.js';
import { type Adapter, fromFloat32, type HostTensor, toFloat32 } from '../weights/index.js';
import { untied } from './replaced.js';
import type { Weighted } from './spec.js';

export interface PlainView extends Weighted {
  /** Plain LoRA. */
  readonly adapter: Adapter;
}

/** Whether the adapter is LoRA alone, without other values for the base. */
export const isPlain = ({ tensors, replaced }: Adapter): boolean =>
  (replaced === undefined || replaced.size === 0) &&
  [...tensors.values()].every(({ magnitude }) => magnitude === undefined);

/** `base` is not changed; its tensors come out as they are where the adapter leaves them. */
export function plainView(base: Weighted, adapter: Adapter): PlainView {
  const replaced = adapter.replaced ?? new Map<string, HostTensor>();
  const { spec, weights } = untied(base, { replaced: new Set(replaced.keys()) });
  const factors = new Map<string, Float32Array>();
  const tensors = [...adapter.tensors].map(([module, { magnitude, ...plain }]) => {
    if (magnitude === undefined) return [module, plain] as const;
    const factor = doraFactors(base.weights(`${module}.weight`), { ...plain, magnitude });
    factors.set(`${module}.weight`, factor);
    return [module, { ...plain, b: scaledRows(plain.b, factor) }] as const;
  });
  const view = (name: string): HostTensor => {
    const factor = factors.get(name);
    if (factor !== undefined) return scaledWhenRead(weights(name), factor);
    return replaced.get(name) ?? weights(name);
  };
  const config = { ...adapter.config, useDora: false, modulesToSave: null, bias: 'none' as const };
  const { replaced: _, ...rest } = adapter;
  return { spec, weights: view, adapter: { ...rest, config, tensors: new Map(tensors) } };
}

interface DoraTensors {
  readonly a: HostTensor;
  readonly b: HostTensor;
  readonly magnitude: HostTensor;
  readonly scale: number;
}

/** m / ‖W + s·BA‖ of each row. */
function doraFactors(weight: HostTensor, { a, b, magnitude, scale }: DoraTensors): Float32Array {
  const matrix = (tensor: HostTensor) =>
    tf.tensor2d(toFloat32(tensor), tensor.shape as [number, number]);
  return onHost(() => {
    const norms = rowNorms({ weight: matrix(weight), a: matrix(a), b: matrix(b), scale });
    return tf.tensor1d(toFloat32(magnitude)).div(norms);
  });
}

/** The same made at each reading, so that scaled matrices are not all in memory. */
function scaledWhenRead(tensor: HostTensor, factors: Float32Array): HostTensor {
  return {
    dtype: 'float32',
    shape: tensor.shape,
    get bytes() {
      return scaledRows(tensor, factors).bytes;
    },
  };
}

/** In float32. */
function scaledRows(tensor: HostTensor, factors: Float32Array): HostTensor {
  const values = toFloat32(tensor).slice();
  const columns = values.length / factors.length;
  for (const [row, factor] of factors.entries()) {
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i]! *= factor;
  }
  return fromFloat32(values, tensor.shape);
}
