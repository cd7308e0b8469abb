/**
 * All trained parameters as one flat vector. The optimizer, clipping, accumulation and checkpoints then
 * cost a few operations on one tensor whatever the number of modules; the model sees named views.
 */
import { elementCount } from '../util/shape.js';
import { onDevice } from './on-device.js';
import { type Tensor, type Tensor1D, tf } from './tf.js';

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export class ParameterVector {
  readonly shapes: readonly ParameterShape[];
  readonly size: number;
  private flat: Tensor1D;
  private cache: Map<string, Tensor> | null = null;
  private readonly made = new Map<string, Tensor>();

  /** @param initial One float32 array per shape, in order, row-major. */
  constructor(shapes: readonly ParameterShape[], initial: readonly Float32Array[]) {
    this.shapes = shapes;
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
    this.dispose();
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
  views(): ReadonlyMap<string, Tensor> {
    if (this.cache === null) {
      const parts = tf.tidy(() => this.split(this.flat).map((part) => tf.keep(part)));
      this.cache = new Map(this.shapes.map(({ name }, i) => [name, parts[i]!]));
    }
    return this.cache;
  }

  /** What `make` makes of the parameters, kept by name until the next `replace`. */
  derived(name: string, make: () => Tensor): Tensor {
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const tensor = tf.tidy(() => tf.keep(make()));
    this.made.set(name, tensor);
    return tensor;
  }

  /** Cuts any `[size]` vector (a gradient, a moment) into tensors of the parameters' shapes. */
  split(vector: Tensor1D): Tensor[] {
    if (this.shapes.length === 0) return [];
    const parts = tf.split(
      vector,
      this.shapes.map(({ shape }) => elementCount(shape)),
    );
    return parts.map((part, i) => part.reshape(this.shapes[i]!.shape as number[]));
  }

  /** Joins one tensor per parameter (missing ones count as zero) into a `[size]` vector. */
  join(parts: ReadonlyMap<string, Tensor>): Tensor1D {
    return tf.tidy(() =>
      tf.concat1d(
        this.shapes.map(({ name, shape }) => {
          const part = parts.get(name);
          return (
            part === undefined ? tf.zeros([elementCount(shape)]) : part.flatten()
          ) as Tensor1D;
        }),
      ),
    );
  }

  /** Host copies by name. */
  async download(): Promise<Map<string, Float32Array>> {
    const all = (await this.flat.data()) as Float32Array;
    const out = new Map<string, Float32Array>();
    let offset = 0;
    for (const { name, shape } of this.shapes) {
      out.set(name, all.slice(offset, offset + elementCount(shape)));
      offset += elementCount(shape);
    }
    return out;
  }

  dispose(): void {
    if (this.cache !== null) tf.dispose([...this.cache.values()]);
    this.cache = null;
    tf.dispose([...this.made.values()]);
    this.made.clear();
    this.flat.dispose();
  }
}
