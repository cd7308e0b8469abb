/** Tensors whose rows or columns llama.cpp has in another order than Hugging Face. */
import type { GatedDeltaLayer } from '../model/spec.js';
import { deltaWidths } from '../model/spec-modules.js';
import type { HostTensor } from '../weights/index.js';

/**
 * Halves of a head become neighbours, where llama.cpp rotates those: row h·d + 2j + s of the result is row
 * h·d + s·d/2 + j.
 */
export function interleaved(tensor: HostTensor, headDim: number): HostTensor {
  const half = headDim / 2;
  const order = range(headDim, (row) => (row % 2) * half + Math.floor(row / 2));
  return reordered(tensor, order, rowBytes(tensor));
}

/**
 * Value heads of a delta rule, those that share a key head side by side → those of the same place among them: llama.cpp
 * repeats key heads as a whole. So head r·K + k of the result is head k·V/K + r.
 *
 * @param part Of `linear_attn`, without `.weight`.
 */
export function valueHeadsTiled(
  tensor: HostTensor,
  mixer: GatedDeltaLayer,
  part: string,
): HostTensor {
  const { keyHeads, valueHeads, valueDim } = mixer;
  const [queries, keys] = deltaWidths(mixer);
  const shared = valueHeads / keyHeads;
  const heads = range(
    valueHeads,
    (head) => (head % keyHeads) * shared + Math.floor(head / keyHeads),
  );
  const values = heads.flatMap((head) => range(valueDim, (i) => head * valueDim + i));
  switch (part) {
    case 'in_proj_qkv':
    case 'conv1d': {
      const others = queries + keys;
      const order = [...range(others, (row) => row), ...values.map((row) => others + row)];
      return reordered(tensor, order, rowBytes(tensor));
    }
    case 'in_proj_z':
      return reordered(tensor, values, rowBytes(tensor));
    case 'out_proj':
      return reordered(tensor, values, rowBytes(tensor) / values.length);
    case 'in_proj_b':
    case 'in_proj_a':
    case 'A_log':
    case 'dt_bias':
      return reordered(tensor, heads, rowBytes(tensor));
    default:
      return tensor;
  }
}

const range = (count: number, at: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => at(index));

const rowBytes = ({ shape, bytes }: HostTensor): number => bytes.length / shape[0]!;

/** Each group of `order.length` units anew: unit i of the result is unit `order[i]` of the group. */
function reordered(
  { dtype, shape, bytes }: HostTensor,
  order: readonly number[],
  unitBytes: number,
): HostTensor {
  const out = new Uint8Array(bytes.length);
  const groupBytes = order.length * unitBytes;
  for (let start = 0; start < bytes.length; start += groupBytes) {
    for (const [to, from] of order.entries()) {
      const at = start + from * unitBytes;
      out.set(bytes.subarray(at, at + unitBytes), start + to * unitBytes);
    }
  }
  return { dtype, shape, bytes: out };
}
