/** Masks and rotary tables of a right-padded batch: causal attention needs no padding mask. */
import { type RotaryTable, type Tensor, tf } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import type { BatchGeometry } from './layer.js';
import type { DecoderSpec, RopeSpec } from './spec.js';

const BLOCKED = -1e9;

function rotaryTable({ invFreq, scale }: RopeSpec, length: number): RotaryTable {
  const half = invFreq.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * invFreq[i]!;
      cos[position * half + i] = Math.cos(angle) * scale;
      sin[position * half + i] = Math.sin(angle) * scale;
    }
  }
  return {
    cos: tf.keep(tf.tensor2d(cos, [length, half])),
    sin: tf.keep(tf.tensor2d(sin, [length, half])),
  };
}

function causalMask(length: number, window: number | null): Tensor {
  const mask = new Float32Array(length * length).fill(BLOCKED);
  for (let query = 0; query < length; query++) {
    const first = window === null ? 0 : Math.max(0, query - window + 1);
    mask.fill(0, query * length + first, query * length + query + 1);
  }
  return tf.keep(tf.tensor4d(mask, [1, 1, length, length]));
}

/** Lengths whose tables are kept at the same time. */
const MAX_LENGTHS = 16;

/** Keeps the tables of the lengths in use; `get` returns those of one batch shape. */
export class GeometryCache {
  private readonly spec: DecoderSpec;
  private readonly tables = new Map<number, readonly RotaryTable[]>();
  private readonly masks = new Map<string, Tensor>();

  constructor(spec: DecoderSpec) {
    this.spec = spec;
  }

  /** Valid until the next call. @throws InputError when the ropes do not hold for so long a batch. */
  get(rows: number, length: number): BatchGeometry {
    this.checkLength(length);
    if (this.tables.size >= MAX_LENGTHS && !this.tables.has(length)) this.dispose();
    const mask = (window: number | null): Tensor => {
      const limit = window !== null && window < length ? window : null;
      return cached(this.masks, `${length}/${limit}`, () => causalMask(length, limit));
    };
    const tables = cached(this.tables, length, () =>
      this.spec.ropes.map((rope) => rotaryTable(rope, length)),
    );
    return { rows, length, tables, mask };
  }

  private checkLength(length: number): void {
    for (const { maxLength = length } of this.spec.ropes) {
      if (length <= maxLength) continue;
      throw new InputError({
        problem: `a sequence has ${length} tokens, and the checkpoint's rope_scaling is computed up to ${maxLength}`,
        remedy: 'Lower max_length',
      });
    }
  }

  dispose(): void {
    tf.dispose([...this.masks.values()]);
    for (const tables of this.tables.values()) {
      for (const { cos, sin } of tables) tf.dispose([cos, sin]);
    }
    this.masks.clear();
    this.tables.clear();
  }
}

function cached<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
