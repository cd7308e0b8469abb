/** One set of weights from a base and an adapter: W + s·BA, computed in float32 and rounded once. */
import { onHost, type Tensor, tf } from '../tensor/index.js';
import {
  type Adapter,
  fromFloat32,
  type HostDtype,
  type HostTensor,
  toFloat32,
} from '../weights/index.js';
import { loraOfWeights } from './expert-matrices.js';
import { plainView } from './plain-view.js';
import type { DecoderSpec, Weighted } from './spec.js';
import { parameterShapes } from './spec-modules.js';

export interface Merged {
  /** Of the base; the output head stands apart where the adapter replaced it or the embeddings. */
  readonly spec: DecoderSpec;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** The base's weights as they are, and W + s·BA in float32 where the adapter changes them; made at each call. */
export function mergedView(base: Weighted, adapter: Adapter | null): Weighted {
  if (adapter === null) return base;
  const { spec, weights, adapter: plain } = plainView(base, adapter);
  const loraOf = loraOfWeights(spec, plain.tensors);
  return {
    spec,
    weights: (name) => {
      const own = weights(name);
      const lora = loraOf(name);
      return lora === undefined ? own : fromFloat32(added(own, lora), own.shape);
    },
  };
}

/** @param adapter Null: the base alone, in another dtype. @param dtype Null: each tensor keeps its own. */
export function mergedWeights(
  base: Weighted,
  { adapter, dtype }: { readonly adapter: Adapter | null; readonly dtype: HostDtype | null },
): Merged {
  const {
    spec,
    weights,
    adapter: plain,
  } = adapter === null ? { ...base, adapter: null } : plainView(base, adapter);
  const loraOf = loraOfWeights(spec, plain?.tensors ?? new Map());
  const tensors = new Map<string, HostTensor>();
  for (const [name, shape] of parameterShapes(spec)) {
    const own = weights(name);
    const lora = loraOf(name);
    const kept = dtype ?? baseDtype(base, name, own);
    if (lora === undefined && own.dtype === kept) tensors.set(name, own);
    else {
      const values = lora === undefined ? toFloat32(own) : added(own, lora);
      tensors.set(name, fromFloat32(values, shape, kept));
    }
  }
  return { spec, tensors };
}

/** What the adapter replaces takes the dtype of what it replaces. */
function baseDtype({ spec, weights }: Weighted, name: string, own: HostTensor): HostDtype {
  return parameterShapes(spec).has(name) ? weights(name).dtype : own.dtype;
}

function added(
  weight: HostTensor,
  { a, b, scale }: { readonly a: HostTensor; readonly b: HostTensor; readonly scale: number },
): Float32Array {
  const matrix = (tensor: HostTensor): Tensor =>
    tf.tensor2d(toFloat32(tensor), tensor.shape as [number, number]);
  return onHost(() => matrix(weight).add(tf.matMul(matrix(b), matrix(a)).mul(scale)));
}
