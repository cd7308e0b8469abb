/**
 * Checks an operation and its hand-written gradient against a plain float64 formula, whose derivative is
 * taken by central differences.
 */
import { expect } from 'vitest';
import { type Tensor, tf } from '../../../src/tensor/index.js';
import { Rng } from '../../../src/util/rng.js';
import { elementCount } from '../../../src/util/shape.js';

export interface Operand {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** N(mean, std), on the grid of float32. */
export function randomOperand(
  name: string,
  shape: readonly number[],
  { mean = 0, std = 1 } = {},
): Operand {
  const rng = Rng.of('ops', name);
  const values = Float64Array.from({ length: elementCount(shape) }, () =>
    Math.fround(mean + std * rng.normal()),
  );
  return { shape, values };
}

export const operand = (shape: readonly number[], values: readonly number[]): Operand => ({
  shape,
  values: Float64Array.from(values, Math.fround),
});

export const tensorOf = ({ shape, values }: Operand): Tensor =>
  tf.tensor(Float32Array.from(values), shape as number[]);

export interface GradientCheck {
  readonly inputs: readonly Operand[];
  readonly op: (...inputs: Tensor[]) => Tensor;
  /** The operation's values, flat; plain loops in float64. */
  readonly formula: (...inputs: Float64Array[]) => ArrayLike<number>;
  /** ‖actual − expected‖ ≤ tolerance · ‖expected‖ (or · 1 where that is smaller); default 1e-5. */
  readonly tolerance?: number;
  /** Weights of the outputs in the scalar that is differentiated; random when absent. */
  readonly dy?: (index: number) => number;
}

function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { what, tolerance }: { readonly what: string; readonly tolerance: number },
): void {
  expect(actual.length, what).toBe(expected.length);
  let [gap, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    gap += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  expect(Math.sqrt(gap), what).toBeLessThanOrEqual(tolerance * Math.max(1, Math.sqrt(norm)));
}

/** Central differences of Σ dy · formula to every element of one input. */
function numericGradient(
  { inputs, formula }: GradientCheck,
  index: number,
  dy: readonly number[],
): Float64Array {
  const copies = inputs.map(({ values }) => values.slice());
  const varied = copies[index]!;
  const weighted = () => {
    const y = formula(...copies);
    return dy.reduce((sum, weight, i) => sum + weight * y[i]!, 0);
  };
  return varied.map((value, i) => {
    const step = 1e-5 * Math.max(1, Math.abs(value));
    varied[i] = value + step;
    const above = weighted();
    varied[i] = value - step;
    const below = weighted();
    varied[i] = value;
    return (above - below) / (2 * step);
  });
}

/** Values and the gradient to every input. */
export function checkGradients(check: GradientCheck): void {
  const { inputs, op, formula, tolerance = 1e-5 } = check;
  const expected = formula(...inputs.map(({ values }) => values));
  const rng = Rng.of('ops', 'dy');
  const weights = Array.from({ length: expected.length }, (_, i) =>
    Math.fround(check.dy === undefined ? rng.normal() : check.dy(i)),
  );
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    const y = op(...tensors);
    expectClose(y.dataSync(), expected, { what: 'value', tolerance });
    const dy = tf.tensor(weights, y.shape);
    const gradients = tf.grads(op)(tensors, dy);
    for (const [i, gradient] of gradients.entries()) {
      expect(gradient.shape).toEqual(inputs[i]!.shape);
      const numeric = numericGradient(check, i, weights);
      expectClose(gradient.dataSync(), numeric, { what: `gradient ${i}`, tolerance });
    }
  });
  expect(tf.memory().numTensors).toBe(before);
}
