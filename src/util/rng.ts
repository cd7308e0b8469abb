/**
 * Seeded random numbers. `sfc32` (Chris Doty-Humphrey's small fast counter generator) keyed by
 * SHA-256 of the seed parts, so that streams for (seed, purpose, index) are independent and the same on
 * every machine. No cryptographic use.
 */
import { createHash } from 'node:crypto';

/** The four 32-bit words of the generator; JSON-safe, for checkpoints. */
export type RngState = readonly [number, number, number, number];

export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(state: RngState) {
    [this.a, this.b, this.c, this.counter] = state;
  }

  /** A stream named by its parts, e.g. `Rng.of(seed, 'data', epoch)`. */
  static of(...parts: readonly (number | string)[]): Rng {
    const digest = createHash('sha256').update(parts.join('\u0000')).digest();
    const word = (i: number) => digest.readUInt32LE(4 * i);
    return new Rng([word(0), word(1), word(2), word(3)]);
  }

  get state(): RngState {
    return [this.a, this.b, this.c, this.counter];
  }

  /** Uniform 32-bit unsigned integer. */
  uint32(): number {
    const sum = (this.a + this.b + this.counter) >>> 0;
    this.counter = (this.counter + 1) >>> 0;
    this.a = (this.b ^ (this.b >>> 9)) >>> 0;
    this.b = (this.c + (this.c << 3)) >>> 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** Standard normal (Box–Muller; one of the pair is used). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element. Throws on an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('Rng.pick: the list is empty');
    return items[this.int(0, items.length - 1)] as T;
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
