/**
 * MXFP4 (OCP Microscaling Formats 1.0) as gpt-oss's checkpoints have it: blocks of 32 values of 4 bits, two a byte, the first
 * in the lower half, each block times a power of two. All are numbers of bfloat16.
 */

/** Values of a block. */
export const MXFP4_BLOCK = 32;

const MAGNITUDES = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
const EXPONENT_BIAS = 127;

/** bfloat16 bits of each value at each scale, `[256, 16]`. */
function valuesByScale(): Uint16Array {
  const values = new Float32Array(256 * 16);
  for (let i = 0; i < values.length; i++) {
    const [scale, code] = [i >> 4, i & 15];
    const magnitude = MAGNITUDES[code & 7]! * 2 ** (scale - EXPONENT_BIAS);
    values[i] = code < 8 ? magnitude : -magnitude;
  }
  return new Uint16Array(values.buffer).filter((_, i) => i % 2 === 1);
}

let table: Uint16Array | null = null;

/** @param packed 16 bytes a block @param scales An exponent a block @returns Bytes of bfloat16 */
export function fromMxfp4(packed: Uint8Array, scales: Uint8Array): Uint8Array {
  table ??= valuesByScale();
  const values = new Uint16Array(packed.length * 2);
  const bytes = MXFP4_BLOCK / 2;
  for (let block = 0; block < scales.length; block++) {
    const row = scales[block]! * 16;
    for (let i = block * bytes; i < (block + 1) * bytes; i++) {
      const pair = packed[i]!;
      values[2 * i] = table[row + (pair & 15)]!;
      values[2 * i + 1] = table[row + (pair >> 4)]!;
    }
  }
  return new Uint8Array(values.buffer);
}
