/**
 * Magnitudes of blocks in 8 bits, as bitsandbytes nests them (Dettmers et al. 2023, "double quantization"): less
 * their mean, each group of 256 is divided by its largest magnitude and rounded to the nearest of 256 values, whose
 * spacing grows with the magnitude.
 */
import { nearestIn, scaleOf } from './nearest-code.js';

const GROUP = 256;
const EXPONENTS = 7;

export interface NestedAbsmax {
  /** Value of each code. */
  readonly table: Float32Array;
  /** One for each magnitude. */
  readonly codes: Uint8Array;
  /** Largest magnitude of each group of 256. */
  readonly absmax: Float32Array;
  /** Mean of all, float32. */
  readonly offset: number;
}

/** The values, ascending: ± the midpoints of 2ⁱ parts of [0.1, 1], times 10^(i−6), for i = 0 … 6; then 0 and 1. */
function dynamicTable(): Float32Array {
  const values = [0, 1];
  for (let i = 0; i < EXPONENTS; i++) {
    const parts = 2 ** i;
    for (let k = 0; k < parts; k++) {
      const value = (0.1 + (0.9 * (k + 0.5)) / parts) * 10 ** (i - EXPONENTS + 1);
      values.push(value, -value);
    }
  }
  return Float32Array.from(values.sort((a, b) => a - b));
}

const TABLE = dynamicTable();

export function nestAbsmax(magnitudes: Float32Array): NestedAbsmax {
  const offset = Math.fround(magnitudes.reduce((sum, value) => sum + value, 0) / magnitudes.length);
  const centred = magnitudes.map((value) => value - offset);
  const nearest = nearestIn(TABLE);
  const codes = new Uint8Array(centred.length);
  const absmax = new Float32Array(Math.ceil(centred.length / GROUP));
  for (let group = 0; group < absmax.length; group++) {
    const part = centred.subarray(group * GROUP, (group + 1) * GROUP);
    const most = part.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    absmax[group] = most;
    const factor = scaleOf(most);
    for (let i = 0; i < part.length; i++) {
      codes[group * GROUP + i] = nearest(Math.fround(part[i]! * factor));
    }
  }
  return { table: TABLE, codes, absmax, offset };
}

export const unnestAbsmax = ({ table, codes, absmax, offset }: NestedAbsmax): Float32Array =>
  Float32Array.from(
    codes,
    (code, i) => Math.fround(table[code]! * absmax[Math.floor(i / GROUP)]!) + offset,
  );
