/**
 * Matrices in 4 bits as bitsandbytes keeps them (Dettmers et al. 2023): each block of 64 values in row-major order
 * is divided by its largest magnitude and rounded to the nearest of 16 code values; two codes share a byte, the first
 * of them in its upper half. Nested: the magnitudes of blocks are kept in 8 bits too, see `nested-absmax.ts`.
 */
import { elementCount } from '../util/shape.js';
import { toFloat32 } from './dtype.js';
import type { FourBitMatrix, HostTensor } from './host-tensor.js';
import { nearestIn, scaleOf } from './nearest-code.js';
import { nestAbsmax, unnestAbsmax } from './nested-absmax.js';

/** How a matrix is put into 4 bits. */
export interface Quantization {
  readonly type: 'nf4' | 'fp4';
  /** Whether the magnitudes of blocks are quantised too. */
  readonly isNested: boolean;
}

/** Values that share a magnitude. */
export const FOUR_BIT_BLOCK = 64;

/** Quantiles of a normal distribution within [−1, 1], with an exact zero (appendix E of the paper). */
const NF4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
  0.7229568362236023, 1,
];

/** A sign bit before the magnitudes of a float of three bits. */
const FP4_MAGNITUDES = [0, 0.0625 / 12, 8 / 12, 1, 4 / 12, 6 / 12, 2 / 12, 3 / 12];

const TABLES: Readonly<Record<Quantization['type'], Float32Array>> = {
  nf4: Float32Array.from(NF4),
  fp4: Float32Array.from([...FP4_MAGNITUDES, ...FP4_MAGNITUDES.map((value) => 0 - value)]),
};

/** @param values Row-major */
export function toFourBit(values: Float32Array, { type, isNested }: Quantization): FourBitMatrix {
  const table = TABLES[type];
  const nearest = nearestIn(table);
  const absmax = new Float32Array(Math.ceil(values.length / FOUR_BIT_BLOCK));
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  for (let block = 0; block < absmax.length; block++) {
    const end = Math.min((block + 1) * FOUR_BIT_BLOCK, values.length);
    let most = 0;
    for (let i = block * FOUR_BIT_BLOCK; i < end; i++) most = Math.max(most, Math.abs(values[i]!));
    absmax[block] = most;
    const factor = scaleOf(most);
    for (let i = block * FOUR_BIT_BLOCK; i < end; i++) {
      const code = nearest(Math.fround(values[i]! * factor));
      packed[i >> 1]! |= i % 2 === 0 ? code << 4 : code;
    }
  }
  return { table, packed, absmax: isNested ? nestAbsmax(absmax) : absmax };
}

/** The values again, row-major. @param count Of the matrix */
export function fromFourBit({ table, packed, absmax }: FourBitMatrix, count: number): Float32Array {
  const scales = absmax instanceof Float32Array ? absmax : unnestAbsmax(absmax);
  const values = new Float32Array(count);
  for (const [block, scale] of scales.entries()) {
    const end = Math.min((block + 1) * FOUR_BIT_BLOCK, count);
    for (let i = block * FOUR_BIT_BLOCK; i < end; i++) {
      const byte = packed[i >> 1]!;
      values[i] = table[i % 2 === 0 ? byte >> 4 : byte & 15]! * scale;
    }
  }
  return values;
}

/**
 * A tensor in 4 bits, whose `bytes` are its values in float32, made at each reading. The one it is made of is let go at
 * the first.
 */
export function fourBitTensor(tensor: HostTensor, quantization: Quantization): HostTensor {
  const { shape } = tensor;
  let held: HostTensor | FourBitMatrix = tensor;
  const fourBit = (): FourBitMatrix => {
    if (!('packed' in held)) held = toFourBit(toFloat32(held), quantization);
    return held;
  };
  return {
    dtype: 'float32',
    shape,
    get bytes() {
      return new Uint8Array(fromFourBit(fourBit(), elementCount(shape)).buffer);
    },
    get fourBit() {
      return fourBit();
    },
  };
}

/** As it stands in records and in adapters, e.g. `nf4`, `nf4, nested`. */
export const quantizationName = ({ type, isNested }: Quantization): string =>
  isNested ? `${type}, nested` : type;
