/**
 * A running average of an optimizer between steps: whole, or in 8 bits.
 *
 * 8 bits: block-wise dynamic quantization (Dettmers et al. 2022). Each block of 256 values is divided by its
 * largest magnitude and rounded to the nearest of 256 code values, whose spacing grows with the magnitude:
 * a sign, a unary exponent of base 10 and a linear fraction share the bits. Beside the codes one float32 per
 * block is kept: about a quarter of the memory. A positive second moment never becomes 0, which would blow up the
 * step that divides by its root.
 */
import { attr, cast, executeOp } from '../execute.js';
import { onDevice } from '../on-device.js';
import { rowsAt } from '../ops/gather.js';
import { padded } from '../ops/slice.js';
import { type Tensor, type Tensor1D, tf } from '../tf.js';
import { piecesOf } from './pieces.js';

/** Read and written by the pieces of the parameters, `piecesOf`. */
export interface Moment {
  /** `[size]` of this piece; owned by this object, or by the surrounding tidy. */
  read(piece: number): Tensor1D;
  /** Replaces the values of this piece; `next` stays the caller's. */
  write(piece: number, next: Tensor1D): void;
  dispose(): void;
}

class WholeMoment implements Moment {
  private readonly values: Tensor1D[];

  constructor(size: number) {
    // Filled by TensorFlow: `tf.zeros` would hold an array on the host until the first update.
    this.values = piecesOf(size).map((piece) => tf.keep(tf.fill([piece.size], 0)));
  }

  read(piece: number): Tensor1D {
    return this.values[piece]!;
  }

  write(piece: number, next: Tensor1D): void {
    this.values[piece]!.dispose();
    this.values[piece] = tf.keep(next.clone());
  }

  dispose(): void {
    tf.dispose(this.values);
  }
}

const BLOCK = 256;
const EXPONENTS = 7;

/**
 * The code values, ascending: 2ⁱ (signed) or 2ⁱ⁺¹ (unsigned) fractions, the midpoints of as many parts of
 * [0.1, 1], times 10^(i−6), for i = 0 … 6; with their negatives, 0 and 1. In place of the smallest negative
 * stands −1, so that the largest magnitude of a block is always a code and codes come back exactly.
 */
export function dynamicCodes(isSigned: boolean): Float32Array {
  const codes = [0, 1];
  for (let i = 0; i < EXPONENTS; i++) {
    const parts = 2 ** (isSigned ? i : i + 1);
    for (let k = 0; k < parts; k++) {
      const fraction = (0.1 + (0.9 * (k + 0.5)) / parts) * 10 ** (i - EXPONENTS + 1);
      codes.push(fraction);
      if (isSigned) codes.push(i === 0 ? -1 : -fraction);
    }
  }
  return Float32Array.from(codes.sort((a, b) => a - b));
}

/** A piece in 8 bits. */
interface Blocks {
  readonly size: number;
  /** uint8 `[1, blocks · 256]` */
  readonly indices: Tensor;
  /** `[blocks, 1]` */
  readonly scales: Tensor;
}

class BlockwiseMoment implements Moment {
  private readonly isSigned: boolean;
  /** `[codes]` */
  private readonly codes: Tensor1D;
  /** `[1, codes − 1]`, halfway between neighbours. */
  private readonly borders: Tensor;
  private readonly pieces: Blocks[];

  constructor(size: number, isSigned: boolean) {
    this.isSigned = isSigned;
    const codes = dynamicCodes(isSigned);
    const borders = Array.from(codes.slice(1), (code, i) => (code + codes[i]!) / 2);
    this.codes = tf.keep(tf.tensor1d(codes));
    this.borders = tf.keep(tf.tensor2d([borders]));
    this.pieces = piecesOf(size).map((piece) =>
      this.quantized(() => tf.fill([piece.size], 0) as Tensor1D),
    );
  }

  read(piece: number): Tensor1D {
    const { size, indices, scales } = this.pieces[piece]!;
    return tf.tidy(() => {
      const codes = rowsAt(this.codes, cast(indices, 'uint8', 'int32'), 'float32');
      const values = codes.reshape([-1, BLOCK]).mul(scales);
      return tf.slice(values.flatten(), [0], [size]) as Tensor1D;
    });
  }

  write(piece: number, next: Tensor1D): void {
    const { indices, scales } = this.pieces[piece]!;
    this.pieces[piece] = this.quantized(() => next);
    tf.dispose([indices, scales]);
  }

  dispose(): void {
    const held = this.pieces.flatMap(({ indices, scales }) => [indices, scales]);
    tf.dispose([this.codes, this.borders, ...held]);
  }

  private quantized(make: () => Tensor1D): Blocks {
    return tf.tidy(() => {
      const values = make();
      const blocks = Math.ceil(values.size / BLOCK);
      const whole = padded(values, [[0, blocks * BLOCK - values.size]]);
      const grid = whole.reshape([blocks, BLOCK]);
      const scales = tf.max(tf.abs(grid), 1, true);
      const unit = tf.divNoNan(grid, scales);
      const types = [attr.type('T', 'float32'), attr.type('out_type', 'int32')];
      const row = unit.reshape([1, -1]);
      const bytes = cast(executeOp('UpperBound', types, [this.borders, row]), 'int32', 'uint8');
      const indices = this.isSigned ? bytes : atLeastOne(bytes, row);
      return { size: values.size, indices: tf.keep(indices), scales: tf.keep(scales) };
    });
  }
}

/** Codes of values above 0 are at least 1. As bytes: of integers a card has no maximum. */
const atLeastOne = (codes: Tensor, values: Tensor): Tensor =>
  executeOp(
    'Maximum',
    [attr.type('T', 'uint8')],
    [codes, cast(tf.greater(values, 0), 'bool', 'uint8')],
  );

export interface MomentOptions {
  readonly bits: 32 | 8;
  /** False: never negative, which leaves its bit to the fractions. */
  readonly isSigned: boolean;
}

/** Zeros, `[size]`. */
export const createMoment = (size: number, { bits, isSigned }: MomentOptions): Moment =>
  bits === 32 ? new WholeMoment(size) : new BlockwiseMoment(size, isSigned);

/** All values, `[size]`. */
export async function downloaded(moment: Moment, size: number): Promise<Float32Array> {
  const all = new Float32Array(size);
  for (const [index, { begin }] of piecesOf(size).entries()) {
    const values = tf.tidy(() => moment.read(index).clone());
    all.set((await values.data()) as Float32Array, begin);
    values.dispose();
  }
  return all;
}

/** Values that `downloaded` gave come back exactly, also in 8 bits: they lie on codes. */
export function uploaded(moment: Moment, values: Float32Array): void {
  for (const [index, { begin, size }] of piecesOf(values.length).entries()) {
    const part = values.subarray(begin, begin + size);
    tf.tidy(() => moment.write(index, onDevice(part, [size]) as Tensor1D));
  }
}
