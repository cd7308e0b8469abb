/** Cosine and sine tables for rotary position embedding (Su et al. 2021), one row a position. */
interface Frequencies {
  /** Radians a position, one for each rotated pair. */
  readonly invFreq: readonly number[];
  readonly scale: number;
}

export interface RopeTables {
  /** [positions, rotaryDim / 2] */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly shape: [number, number];
}

/** `scale · cos(p · invFreq)` and the same for sine, for p = 0 … positions − 1. */
export function ropeTables({ invFreq, scale }: Frequencies, positions: number): RopeTables {
  const pairs = invFreq.length;
  const cos = new Float32Array(positions * pairs);
  const sin = new Float32Array(positions * pairs);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * invFreq[pair]!;
      cos[position * pairs + pair] = scale * Math.cos(angle);
      sin[position * pairs + pair] = scale * Math.sin(angle);
    }
  }
  return { cos, sin, shape: [positions, pairs] };
}
