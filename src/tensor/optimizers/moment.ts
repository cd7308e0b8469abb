/**
 * A running average of an optimizer between steps: whole, or in 8 bits.
 *
 * 8 bits: block-wise dynamic quantization (Dettmers et al. 2022). Each block of 256 values is divided by its
 * largest magnitude and rounded to the nearest of 256 code values, whose spacing grows with the magnitude:
 * a sign, a unary exponent of base 10 and a linear fraction share the bits. Beside the codes one float32 per
 * block is kept. In a step the values are whole again; what lies between steps takes about a quarter. A
 * positive second moment never becomes 0, which would blow up the step that divides by its root.
 */
import { attr, executeOp } from '../execute.js';
import { rowsAt } from '../ops/gather.js';
import { padded } from '../ops/slice.js';
import { type Tensor, type Tensor1D, tf } from '../tf.js';

export interface Moment {
  /** `[size]`; owned by this object, or by the surrounding tidy. */
  read(): Tensor1D;
  /** Replaces the values; `next` stays the caller's. */
  write(next: Tensor1D): void;
  dispose(): void;
}

class WholeMoment implements Moment {
  private values: Tensor1D;

  constructor(size: number) {
    // Filled by TensorFlow: `tf.zeros` would hold an array on the host until the first update.
    this.values = tf.keep(tf.fill([size], 0));
  }

  read(): Tensor1D {
    return this.values;
  }

  write(next: Tensor1D): void {
    this.values.dispose();
    this.values = tf.keep(next.clone());
  }

  dispose(): void {
    this.values.dispose();
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

class BlockwiseMoment implements Moment {
  private readonly size: number;
  private readonly blocks: number;
  private readonly isSigned: boolean;
  /** `[codes]` */
  private readonly codes: Tensor1D;
  /** `[1, codes − 1]`, halfway between neighbours. */
  private readonly borders: Tensor;
  /** uint8 `[blocks, 256]` */
  private indices: Tensor;
  /** `[blocks, 1]` */
  private scales: Tensor;

  constructor(size: number, isSigned: boolean) {
    this.size = size;
    this.isSigned = isSigned;
    this.blocks = Math.ceil(size / BLOCK);
    const codes = dynamicCodes(isSigned);
    const borders = Array.from(codes.slice(1), (code, i) => (code + codes[i]!) / 2);
    this.codes = tf.keep(tf.tensor1d(codes));
    this.borders = tf.keep(tf.tensor2d([borders]));
    const zero = tf.tidy(() => this.quantized(tf.fill([size], 0)));
    this.indices = tf.keep(zero.indices);
    this.scales = tf.keep(zero.scales);
  }

  read(): Tensor1D {
    return tf.tidy(() => {
      const codes = rowsAt(this.codes, cast(this.indices, 'uint8', 'int32'), 'float32');
      const values = codes.reshape([this.blocks, BLOCK]).mul(this.scales);
      return tf.slice(values.flatten(), [0], [this.size]) as Tensor1D;
    });
  }

  write(next: Tensor1D): void {
    const { indices, scales } = tf.tidy(() => this.quantized(next));
    tf.dispose([this.indices, this.scales]);
    this.indices = tf.keep(indices);
    this.scales = tf.keep(scales);
  }

  dispose(): void {
    tf.dispose([this.codes, this.borders, this.indices, this.scales]);
  }

  private quantized(values: Tensor1D): { indices: Tensor; scales: Tensor } {
    const whole = padded(values, [[0, this.blocks * BLOCK - this.size]]);
    const grid = whole.reshape([this.blocks, BLOCK]);
    const scales = tf.max(tf.abs(grid), 1, true);
    const unit = tf.divNoNan(grid, scales);
    const types = [attr.type('T', 'float32'), attr.type('out_type', 'int32')];
    const row = unit.reshape([1, -1]);
    const nearest = executeOp('UpperBound', types, [this.borders, row]);
    const bytes = cast(nearest, 'int32', 'uint8');
    return { indices: this.isSigned ? bytes : atLeastOne(bytes, row), scales };
  }
}

/** Codes of values above 0 are at least 1. As bytes: of integers a card has no maximum. */
const atLeastOne = (codes: Tensor, values: Tensor): Tensor =>
  executeOp(
    'Maximum',
    [attr.type('T', 'uint8')],
    [codes, cast(tf.greater(values, 0), 'bool', 'uint8')],
  );

function cast(x: Tensor, from: 'uint8' | 'int32' | 'bool', to: 'uint8' | 'int32'): Tensor {
  const types = [attr.type('SrcT', from), attr.type('DstT', to), attr.bool('Truncate', false)];
  return executeOp('Cast', types, [x]);
}

export interface MomentOptions {
  readonly bits: 32 | 8;
  /** False: never negative, which leaves its bit to the fractions. */
  readonly isSigned: boolean;
}

/** Zeros, `[size]`. */
export const createMoment = (size: number, { bits, isSigned }: MomentOptions): Moment =>
  bits === 32 ? new WholeMoment(size) : new BlockwiseMoment(size, isSigned);

export async function downloaded(moment: Moment): Promise<Float32Array> {
  const values = tf.tidy(() => moment.read().clone());
  const data = (await values.data()) as Float32Array;
  values.dispose();
  return data;
}

/** Values that `downloaded` gave come back exactly, also in 8 bits: they lie on codes. */
export function uploaded(moment: Moment, values: Float32Array): void {
  tf.tidy(() => moment.write(tf.tensor1d(values)));
}
