/**
 * A frozen matrix that is held in 4 bits (bitsandbytes' layout) and made into values where a product takes it:
 * value = table[code] · magnitude of its block, in float32, then of the type that is asked for. By our own operation,
 * or by TensorFlow's.
 */
import { attr, cast, executeOp } from '../execute.js';
import { type ComputeType, castTo, type NativeFourBit, nativeFourBit } from '../native/calls.js';
import { onDevice } from '../on-device.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';
import { rowsAt } from './gather.js';

/** On the host. */
interface FourBitValues {
  /** Value of each code. */
  readonly table: Float32Array;
  /** Two codes a byte, the first in the upper half, row-major. */
  readonly packed: Uint8Array;
  /** Of each block of 64 values. */
  readonly absmax: Float32Array | NestedValues;
}

/** Magnitudes of blocks in 8 bits: table[code] · magnitude of its group of 256, plus an offset. */
interface NestedValues {
  readonly table: Float32Array;
  readonly codes: Uint8Array;
  readonly absmax: Float32Array;
  readonly offset: number;
}

/** Which matrix it is, for errors, and its shape. */
interface NamedMatrix {
  readonly name: string;
  readonly shape: readonly [number, number];
}

const BLOCK = 64;
const GROUP = 256;

/** Blocks that are made into values at once, which bounds what is held in float32 besides: 2²² values. */
const CHUNK = 2 ** 16;

/**
 * Bytes as float32 of the same bits, four to a number: tfjs knows no bytes, and int32 would stay out of a card's memory.
 * @param length A multiple of four; what `bytes` lack are zeros
 */
function heldBytes(bytes: Uint8Array, length: number): Tensor {
  const padded = new Uint8Array(length);
  padded.set(bytes);
  return tf.keep(onDevice(new Float32Array(padded.buffer), [length / 4]));
}

/** What `heldBytes` holds, as indices `[4n]`. They get their shape as bytes: a card has none for integers. */
function indicesOf(held: Tensor): Tensor {
  const bits = [attr.type('T', 'float32'), attr.type('type', 'uint8')];
  const flat = [attr.type('T', 'uint8'), attr.type('Tshape', 'int32')];
  const quads = executeOp('Bitcast', bits, [held]);
  const bytes = executeOp('Reshape', flat, [quads, tf.tensor1d([-1], 'int32')]);
  return cast(bytes, 'uint8', 'int32');
}

/** @throws Error that names the matrix and the part which has not the size that its shape takes */
function checkSizes({ table, packed, absmax }: FourBitValues, { name, shape }: NamedMatrix) {
  const size = shape[0] * shape[1];
  const blocks = Math.ceil(size / BLOCK);
  const check = (part: string, { length }: { readonly length: number }, wanted: number) => {
    if (length === wanted) return;
    throw new Error(
      `${name} [${shape.join(', ')}] in 4 bits: ${part} of length ${length}, wanted ${wanted}`,
    );
  };
  check('a table', table, 16);
  check('codes', packed, Math.ceil(size / 2));
  if (absmax instanceof Float32Array) return check('magnitudes', absmax, blocks);
  check('a table of magnitudes', absmax.table, 256);
  check('codes of magnitudes', absmax.codes, blocks);
  check('magnitudes of groups', absmax.absmax, Math.ceil(blocks / GROUP));
}

export class FourBitWeight {
  private readonly shape: readonly [number, number];
  private readonly blocks: number;
  private readonly magnitudes: Magnitudes;
  /** `[blocks · 8]`, 32 bytes a block. */
  private readonly packed: Tensor;
  /** `[256, 2]`: both values of a byte. */
  private readonly pairs: Tensor;

  constructor(values: FourBitValues, matrix: NamedMatrix) {
    checkSizes(values, matrix);
    const { table, packed, absmax } = values;
    const { shape } = matrix;
    this.shape = shape;
    this.blocks = Math.ceil((shape[0] * shape[1]) / BLOCK);
    this.packed = heldBytes(packed, (this.blocks * BLOCK) / 2);
    this.magnitudes =
      absmax instanceof Float32Array ? new WholeMagnitudes(absmax) : new NestedMagnitudes(absmax);
    const pairs = Float32Array.from({ length: 512 }, (_, i) =>
      i % 2 === 0 ? table[i >> 5]! : table[(i >> 1) & 15]!,
    );
    this.pairs = tf.keep(onDevice(pairs, [256, 2]));
  }

  /** `[out, in]`, made anew at each call, of operations that no tape records. */
  values(type: ComputeType): Tensor {
    if (hasNativeOps()) {
      const { packed, pairs } = this;
      return nativeFourBit({ packed, pairs, ...this.magnitudes.held }, this.shape, type);
    }
    return tf.tidy(() => {
      const starts = Array.from({ length: Math.ceil(this.blocks / CHUNK) }, (_, i) => i * CHUNK);
      const parts = starts.map((start) => this.chunk(start, type));
      return this.whole(parts, type);
    });
  }

  /** `[n]` of the type: the values of at most CHUNK blocks. */
  private chunk(start: number, type: ComputeType): Tensor {
    const count = Math.min(CHUNK, this.blocks - start);
    return tf.tidy(() => {
      const packed = tf.slice(this.packed, [(start * BLOCK) / 8], [(count * BLOCK) / 8]);
      const grid = rowsAt(this.pairs, indicesOf(packed), 'float32').reshape([count, BLOCK]);
      const scaled = grid.mul(this.magnitudes.slice(start, count)).flatten();
      const rest = this.shape[0] * this.shape[1] - start * BLOCK;
      return castTo(tf.slice(scaled, [0], [Math.min(rest, count * BLOCK)]), 'float32', type);
    });
  }

  private whole(parts: readonly Tensor[], type: ComputeType): Tensor {
    const attrs = [attr.int('N', parts.length), attr.type('T', type), attr.type('Tidx', 'int32')];
    const flat =
      parts.length === 1
        ? parts[0]!
        : executeOp('ConcatV2', attrs, [...parts, tf.scalar(0, 'int32')]);
    const shape = tf.tensor1d([...this.shape], 'int32');
    return executeOp(
      'Reshape',
      [attr.type('T', type), attr.type('Tshape', 'int32')],
      [flat, shape],
    );
  }

  dispose(): void {
    this.magnitudes.dispose();
    tf.dispose([this.packed, this.pairs]);
  }
}

interface Magnitudes {
  /** What our own operation takes of them. */
  readonly held: Pick<NativeFourBit, 'magnitudes' | 'nested'>;
  /** `[count, 1]` */
  slice(start: number, count: number): Tensor;
  dispose(): void;
}

class WholeMagnitudes implements Magnitudes {
  private readonly values: Tensor;

  constructor(values: Float32Array) {
    this.values = tf.keep(onDevice(values, [values.length, 1]));
  }

  get held() {
    return { magnitudes: this.values, nested: null };
  }

  slice(start: number, count: number): Tensor {
    return tf.slice(this.values, [start, 0], [count, 1]);
  }

  dispose(): void {
    this.values.dispose();
  }
}

class NestedMagnitudes implements Magnitudes {
  /** `[groups · 64]`, a byte a code. */
  private readonly codes: Tensor;
  /** `[256]` */
  private readonly table: Tensor;
  /** `[groups, 1]` */
  private readonly scales: Tensor;
  private readonly offset: number;

  constructor({ table, codes, absmax, offset }: NestedValues) {
    this.codes = heldBytes(codes, absmax.length * GROUP);
    this.table = tf.keep(onDevice(table, [table.length]));
    this.scales = tf.keep(onDevice(absmax, [absmax.length, 1]));
    this.offset = offset;
  }

  get held() {
    const { codes, table, scales, offset } = this;
    return { magnitudes: codes, nested: { table, scales, offset } };
  }

  /** @param start At the beginning of a group, as chunks are. */
  slice(start: number, count: number): Tensor {
    return tf.tidy(() => {
      const groups = Math.ceil(count / GROUP);
      const codes = tf.slice(this.codes, [start / 4], [(groups * GROUP) / 4]);
      const values = rowsAt(this.table, indicesOf(codes), 'float32').reshape([groups, GROUP]);
      const scales = tf.slice(this.scales, [start / GROUP, 0], [groups, 1]);
      return tf.slice(values.mul(scales).add(this.offset).reshape([-1, 1]), [0, 0], [count, 1]);
    });
  }

  dispose(): void {
    tf.dispose([this.codes, this.table, this.scales]);
  }
}
