/** What the operators of src/rollout/native ask of those who feed them. */
import type { ElementType } from '../onnx/schema.js';

/** The last two keep weights in fewer bits and compute in bfloat16. */
export type NativePrecision =
  | 'float32'
  | 'bfloat16'
  | 'int8'
  | 'int8_weight_only'
  | 'int4_weight_only';

export interface NativeKernels {
  readonly precision: NativePrecision;
  /** Of the session: products are cut into pieces accordingly. */
  readonly threads: number;
  /** Called with the memory of caches before it is used. */
  readonly onAllocate?: (memory: Float32Array | Uint16Array) => void;
}

/** Keys of this many tokens stand together in the cache, [capacity / 16][head size][16]. */
export const CACHE_BLOCK = 16;

/** Type of keys and values in the cache. */
export const cacheType = ({ precision }: NativeKernels): 'float32' | 'bfloat16' =>
  precision === 'float32' ? 'float32' : 'bfloat16';

/** Type that an adapter's matrices are packed in. */
export const productType = (kernels: NativeKernels): ElementType & ('float32' | 'bfloat16') =>
  cacheType(kernels);

/** Outputs stand in pairs of 16 columns, inner sizes of bfloat16 products in blocks of 32. */
const PAIR = 32;
const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** Of n outputs and k inputs. */
export interface MatrixShape {
  readonly n: number;
  readonly k: number;
  readonly isPaired: boolean;
}

/** Shape in memory of a packed matrix. */
export function packedShape(
  type: 'float32' | 'bfloat16',
  { n, k, isPaired }: MatrixShape,
): [number, number] {
  const rows = isPaired ? PAIR * Math.ceil(n / PAIR) : roundUp(n, PAIR);
  return [rows, type === 'float32' ? k : roundUp(k, 32)];
}
