/** Parameters by name, out of one flat vector that is cut once. */
import { elementCount } from '../util/shape.js';
import { parted, reshaped } from './kernels/half-tensor.js';
import type { ParameterShape } from './parameter-vector.js';
import { type Tensor, tf } from './tf.js';

export class ParameterViews {
  private readonly parts = new Map<
    string,
    { readonly flat: Tensor; readonly shape: readonly number[] }
  >();
  private readonly made = new Map<string, Tensor>();

  /** @param flat Makes the vector, `[size]`, of either type. */
  constructor(flat: () => Tensor, shapes: readonly ParameterShape[]) {
    if (shapes.length === 0) return;
    const sizes = shapes.map(({ shape }) => elementCount(shape));
    const parts = tf.tidy(() => parted(flat(), sizes, 0).map((part) => tf.keep(part)));
    for (const [i, { name, shape }] of shapes.entries()) {
      this.parts.set(name, { flat: parts[i]!, shape });
    }
  }

  has(name: string): boolean {
    return this.parts.has(name);
  }

  /** In its shape, which it takes when it is first asked for. */
  get(name: string): Tensor | undefined {
    const part = this.parts.get(name);
    return part && this.once(name, () => reshaped(part.flat, part.shape));
  }

  /** What is made of the parameters when it is first asked for, by a name of its own; valid as long as they are. */
  once(name: string, make: () => Tensor): Tensor {
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const tensor = tf.tidy(() => tf.keep(make()));
    this.made.set(name, tensor);
    return tensor;
  }

  dispose(): void {
    tf.dispose([...this.made.values(), ...[...this.parts.values()].map(({ flat }) => flat)]);
  }
}
