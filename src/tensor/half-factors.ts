/** What each parameter of a flat vector is multiplied by before it is rounded. */

import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import { onDevice } from './on-device.js';
import type { ParameterShape } from './parameter-vector.js';
import { type Tensor, tf } from './tf.js';

export class HalfFactors {
  /** One number for all, or one for each element, `[size]`. */
  private readonly factor: number | Tensor;

  /** @param factors One per shape, in order; 1 where there is none. */
  constructor(shapes: readonly ParameterShape[], factors: readonly number[]) {
    const [first = 1] = factors;
    const areSame = factors.every((factor) => factor === first);
    this.factor = areSame ? first : tf.keep(perElement(shapes, factors));
  }

  /** @param x `[n]` float32: elements of the vector from `offset` on. */
  times(x: Tensor, offset: number): Tensor {
    if (this.factor === 1) return x;
    if (typeof this.factor === 'number') return x.mul(this.factor);
    return x.mul(tf.slice(this.factor, [offset], [x.size]));
  }

  dispose(): void {
    if (typeof this.factor !== 'number') this.factor.dispose();
  }
}

function perElement(shapes: readonly ParameterShape[], factors: readonly number[]): Tensor {
  const sizes = shapes.map(({ shape }) => elementCount(shape));
  const values = new Float32Array(sum(sizes));
  let offset = 0;
  for (const [i, size] of sizes.entries()) {
    values.fill(factors[i]!, offset, offset + size);
    offset += size;
  }
  return onDevice(values, [values.length]);
}
