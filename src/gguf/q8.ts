/**
 * `q8_0`: blocks of 32 weights, each a float16 scale d = max|w| / 127 and 32 signed bytes round(w / d), so
 * w ≈ d · q. Rounding is that of `quantize_row_q8_0_ref` in github.com/ggml-org/ggml: the quotient in
 * float32, halves away from zero.
 */
import { fromFloat32, toFloat32 } from '../weights/index.js';

/** Weights of a block. */
export const BLOCK = 32;
/** Scale and quotients. */
export const BLOCK_BYTES = 2 + BLOCK;

/** @param values A multiple of 32 of them. */
export function quantizeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const scales = new Float32Array(blocks);
  const out = new Uint8Array(blocks * BLOCK_BYTES);
  const quotients = new Int8Array(out.buffer);
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK;
    let largest = 0;
    for (let i = start; i < start + BLOCK; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    scales[block] = scale;
    const to = block * BLOCK_BYTES + 2;
    for (let i = 0; i < BLOCK; i++) {
      quotients[to + i] = roundAway(Math.fround(values[start + i]! * inverse));
    }
  }
  const halves = fromFloat32(scales, [blocks], 'float16').bytes;
  for (let block = 0; block < blocks; block++) {
    out[block * BLOCK_BYTES] = halves[2 * block]!;
    out[block * BLOCK_BYTES + 1] = halves[2 * block + 1]!;
  }
  return out;
}

const roundAway = (x: number): number => (x < 0 ? -Math.floor(0.5 - x) : Math.floor(x + 0.5));

export function dequantizeQ8(bytes: Uint8Array): Float32Array {
  const blocks = bytes.length / BLOCK_BYTES;
  const halves = new Uint8Array(2 * blocks);
  for (let block = 0; block < blocks; block++) {
    halves[2 * block] = bytes[block * BLOCK_BYTES]!;
    halves[2 * block + 1] = bytes[block * BLOCK_BYTES + 1]!;
  }
  const scales = toFloat32({ dtype: 'float16', shape: [blocks], bytes: halves });
  const quotients = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(blocks * BLOCK);
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK_BYTES + 2;
    for (let i = 0; i < BLOCK; i++) {
      values[block * BLOCK + i] = scales[block]! * quotients[from + i]!;
    }
  }
  return values;
}
