/**
 * Exact conversions between the checkpoint dtypes and float32. Narrowing rounds to nearest, ties to
 * even, as IEEE 754 and PyTorch do. Byte order is little-endian, as safetensors demands and as every
 * machine that TensorFlow runs on has it.
 */
import { InputError } from '../util/errors.js';
import { elementCount } from '../util/shape.js';
import type { HostDtype, HostTensor } from './host-tensor.js';

export const BYTES_PER_ELEMENT: Readonly<Record<HostDtype, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
};

/** As safetensors names them. */
export const STORED_DTYPES: Readonly<Record<HostDtype, string>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
};

/** Bytes that a tensor of this dtype and shape takes. */
export function byteLength({ dtype, shape }: Pick<HostTensor, 'dtype' | 'shape'>): number {
  return BYTES_PER_ELEMENT[dtype] * elementCount(shape);
}

/** `bytes` as 16- or 32-bit words: a view where alignment allows, else a copy. */
function aligned(bytes: Uint8Array, size: 2 | 4): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function words16({ bytes }: HostTensor): Uint16Array {
  const source = aligned(bytes, 2);
  return new Uint16Array(source.buffer, source.byteOffset, source.byteLength / 2);
}

/**
 * The values as float32, exactly. A float32 tensor comes back as a view of the same memory where
 * alignment allows: copy before writing to it.
 */
export function toFloat32(tensor: HostTensor): Float32Array {
  if (tensor.dtype === 'bfloat16') return widenBfloat16(words16(tensor));
  if (tensor.dtype === 'float16') return widenFloat16(words16(tensor));
  const source = aligned(tensor.bytes, 4);
  return new Float32Array(source.buffer, source.byteOffset, source.byteLength / 4);
}

/**
 * A tensor of `dtype` from float32 values. For float32 the tensor shares memory with `data`.
 * @throws InputError when the shape does not hold `data.length` elements.
 */
export function fromFloat32(
  data: Float32Array,
  shape: readonly number[],
  dtype: HostDtype = 'float32',
): HostTensor {
  if (elementCount(shape) !== data.length) {
    throw new InputError(`shape [${shape.join(', ')}] does not hold ${data.length} values`);
  }
  return { dtype, shape, bytes: bytesOf(narrow(data, dtype)) };
}

function narrow(data: Float32Array, dtype: HostDtype): Float32Array | Uint16Array {
  if (dtype === 'float32') return data;
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return dtype === 'bfloat16' ? narrowBfloat16(words) : narrowFloat16(words);
}

function bytesOf(view: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(words: Uint16Array): Float32Array {
  const out = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = words[i]! << 16;
  return new Float32Array(out.buffer);
}

/** Adding 0x7fff plus the lowest kept bit carries exactly when rounding to nearest even goes up. */
function narrowBfloat16(words: Uint32Array): Uint16Array {
  const out = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

let halfTable: Uint32Array | undefined;

/** float32 bits of all 65,536 half-precision numbers. */
function float16Table(): Uint32Array {
  if (halfTable !== undefined) return halfTable;
  const table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) table[half] = widenHalf(half);
  halfTable = table;
  return table;
}

/** float32 bits of one half. A subnormal half, m · 2^-24, is a normal float32. */
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  const shift = Math.clz32(mantissa) - 21;
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

function widenFloat16(words: Uint16Array): Float32Array {
  const table = float16Table();
  const out = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = table[words[i]!]!;
  return new Float32Array(out.buffer);
}

function narrowFloat16(words: Uint32Array): Uint16Array {
  const out = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = narrowHalf(words[i]!);
  return out;
}

/** Half bits of float32 bits. 65,520 and above overflow to infinity; 2^-25 and below become zero. */
function narrowHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= 0x33000000) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23);
  const kept = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const goesUp = rest > half || (rest === half && (kept & 1) === 1);
  return sign | (kept + (goesUp ? 1 : 0));
}
