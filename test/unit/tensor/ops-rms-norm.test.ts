import { describe, expect, test } from 'vitest';
import { rmsNorm, type Tensor, tf } from '../../../src/tensor/index.js';
import { checkGradients, type Operand, operand, randomOperand, tensorOf } from './ops-gradient.js';

const H = 6;

function formula(options: { readonly eps: number; readonly offset: number }) {
  return (x: Float64Array, weight: Float64Array): number[] => {
    const rows = Array.from({ length: x.length / H }, (_, i) => x.slice(i * H, (i + 1) * H));
    return rows.flatMap((row) => {
      const square = row.reduce((sum, value) => sum + value ** 2, 0) / H;
      const r = 1 / Math.sqrt(square + options.eps);
      return Array.from(row, (value, i) => value * r * (weight[i]! + options.offset));
    });
  };
}

const weight = randomOperand('weight', [H], { mean: 1, std: 0.2 });
const inputs: Record<string, Operand> = {
  'two axes': randomOperand('x', [4, H]),
  'three axes (heads)': randomOperand('heads', [3, 2, H]),
  'large values': randomOperand('large', [4, H], { std: 1e4 }),
  'one large value': operand([1, H], [3e3, 1, -1, 0.5, 0, 2]),
};

describe.each(Object.entries(inputs))('%s', (_, x) => {
  test.each([{ offset: 0 }, { offset: 1 }])('gradients, %o', ({ offset }) => {
    const options = { eps: 1e-5, offset };
    checkGradients({
      inputs: [x, weight],
      op: (a, b) => rmsNorm(a!, b!, { ...options, trainable: true }),
      formula: formula(options),
    });
  });

  test('a frozen weight leaves the gradient of the input as it is', () => {
    const options = { eps: 1e-5, offset: 0 };
    const frozen = tensorOf(weight);
    checkGradients({
      inputs: [x],
      op: (a) => rmsNorm(a!, frozen, { ...options, trainable: false }),
      formula: (values) => formula(options)(values, weight.values),
    });
    frozen.dispose();
  });
});

test('a row of zeros gives zeros and the slope weight/√eps', () => {
  tf.tidy(() => {
    const [x, w] = [tf.zeros([1, H]), tensorOf(weight)];
    const norm = (a: Tensor) => rmsNorm(a, w, { eps: 1e-4, offset: 0, trainable: false });
    expect(norm(x).dataSync()).toBeAllclose(new Float32Array(H));
    const slope = tf.grad(norm)(x, tf.ones([1, H]));
    expect(slope.dataSync()).toBeAllclose(weight.values.map((value) => value * 100));
  });
});

test('tiny rows are held up by eps', () => {
  // x = 1e-6 everywhere, eps 1e-6: mean square 1e-12, y = 1e-6 / √(1e-6 + 1e-12) = 1e-3.
  const y = tf.tidy(() =>
    rmsNorm(tf.fill([1, H], 1e-6), tf.ones([H]), { eps: 1e-6, offset: 0, trainable: false })
      .dataSync()
      .slice(),
  );
  expect(y).toBeAllclose(new Float32Array(H).fill(1e-3), { rtol: 1e-5, atol: 0 });
});
