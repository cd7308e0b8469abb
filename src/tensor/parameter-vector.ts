/**
 * All trained parameters as one flat vector. The optimizer, clipping, accumulation and checkpoints then
 * cost a few operations on one tensor whatever the number of modules; the model sees named views.
 */
import { elementCount } from '../util/shape.js';
import { HalfFactors } from './half-factors.js';
import { full, half, joined, reshaped, typeOf } from './kernels/half-tensor.js';
import { onDevice } from './on-device.js';
import { ParameterViews } from './parameter-views.js';
import { type Tensor, type Tensor1D, tf } from './tf.js';

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export class ParameterVector {
  readonly shapes: readonly ParameterShape[];
  readonly size: number;
  private flat: Tensor1D;
  private whole: ParameterViews | null = null;
  private rounded: ParameterViews | null = null;
  private readonly factors: HalfFactors;

  /**
   * @param initial One float32 array per shape, in order, row-major.
   * @param halfFactors What each is multiplied by in `halves`, which stays the caller's; default: 1.
   */
  constructor(
    shapes: readonly ParameterShape[],
    initial: Iterable<Float32Array>,
    halfFactors = new HalfFactors(shapes, []),
  ) {
    this.shapes = shapes;
    this.factors = halfFactors;
    this.size = shapes.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const values = new Float32Array(this.size);
    let offset = 0;
    for (const part of initial) {
      values.set(part, offset);
      offset += part.length;
    }
    this.flat = tf.keep(onDevice(values, [this.size]) as Tensor1D);
  }

  /** `[size]`; owned by this object. */
  get values(): Tensor1D {
    return this.flat;
  }

  /** Takes ownership of `next`; earlier views become invalid. */
  replace(next: Tensor1D): void {
    this.release();
    this.flat = tf.keep(next);
  }

  assign(values: Float32Array): void {
    this.replace(onDevice(values, [this.size]) as Tensor1D);
  }

  /** Moves towards `other` by a share: share·other + (1 − share)·this. */
  mix(other: ParameterVector, share: number): void {
    this.replace(tf.tidy(() => other.values.mul(share).add(this.flat.mul(1 - share)) as Tensor1D));
  }

  /** The parameters by name, valid until the next `replace`. */
  views(): ParameterViews {
    this.whole ??= new ParameterViews(() => this.flat, this.shapes);
    return this.whole;
  }

  /** factor·parameter, rounded to bfloat16, by name, valid until the next `replace`. */
  halves(): ParameterViews {
    const rounded = () => half(this.factors.times(this.flat, 0));
    this.rounded ??= new ParameterViews(rounded, this.shapes);
    return this.rounded;
  }

  /**
   * The gradient as a `[size]` vector, from one tensor per parameter: float32 to the parameter itself, bfloat16 to
   * what `halves` gave for it. Missing ones count as zero.
   */
  join(parts: ReadonlyMap<string, Tensor>): Tensor1D {
    return tf.tidy(() => {
      const runs: { readonly offset: number; readonly parts: Tensor[] }[] = [];
      let offset = 0;
      for (const { name, shape } of this.shapes) {
        const size = elementCount(shape);
        const part = parts.get(name);
        const flat = part === undefined ? tf.fill([size], 0) : reshaped(part, [size]);
        const last = runs.at(-1);
        if (last !== undefined && typeOf(last.parts[0]!) === typeOf(flat)) last.parts.push(flat);
        else runs.push({ offset, parts: [flat] });
        offset += size;
      }
      const whole = runs.map((run) => {
        const flat = joined(run.parts, 0);
        return typeOf(flat) === 'float32' ? flat : this.factors.times(full(flat), run.offset);
      });
      return joined(whole, 0) as Tensor1D;
    });
  }

  /** Host copies by name: parts of one array. */
  async download(): Promise<Map<string, Float32Array>> {
    const all = (await this.flat.data()) as Float32Array;
    const out = new Map<string, Float32Array>();
    let offset = 0;
    for (const { name, shape } of this.shapes) {
      out.set(name, all.subarray(offset, offset + elementCount(shape)));
      offset += elementCount(shape);
    }
    return out;
  }

  dispose(): void {
    this.release();
  }

  /** The values and what was made of them. */
  private release(): void {
    this.whole?.dispose();
    this.rounded?.dispose();
    this.whole = null;
    this.rounded = null;
    this.flat.dispose();
  }
}
