import { describe, expect, test } from 'vitest';
import {
  type LoraBranch,
  linear,
  stopGradient,
  type Tensor,
  tf,
} from '../../../src/tensor/index.js';
import { checkGradients, randomOperand, tensorOf } from './ops-gradient.js';

const [N, IN, OUT, R] = [3, 4, 5, 2];
const SCALE = 2.5;

/** `[rows, inner] · [columns, inner]ᵀ` */
function timesTransposed(a: Float64Array, b: Float64Array, inner: number): Float64Array {
  const [rows, columns] = [a.length / inner, b.length / inner];
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns) * inner, (at % columns) * inner];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a[i + k]! * b[j + k]!;
    return sum;
  });
}

const plain = (x: Float64Array, w: Float64Array, bias: Float64Array) =>
  timesTransposed(x, w, IN).map((value, i) => value + bias[i % OUT]!);

function withLora(x: Float64Array, w: Float64Array, lora: readonly Float64Array[]): Float64Array {
  const [bias, a, b] = lora as [Float64Array, Float64Array, Float64Array];
  const delta = timesTransposed(timesTransposed(x, a, IN), b, R);
  return plain(x, w, bias).map((value, i) => value + SCALE * delta[i]!);
}

const x = randomOperand('x', [N, IN]);
const w = randomOperand('w', [OUT, IN]);
const bias = randomOperand('bias', [OUT]);
const a = randomOperand('a', [R, IN]);
const b = randomOperand('b', [OUT, R]);

const branch = (matrices: readonly (Tensor | undefined)[]): LoraBranch => ({
  a: matrices[0]!,
  b: matrices[1]!,
  scale: SCALE,
  magnitude: matrices[2] ?? null,
  dropout: null,
});

describe('gradients', () => {
  test('trained weight and bias', () => {
    checkGradients({
      inputs: [x, w, bias],
      op: (x1, w1, bias1) => linear(x1!, () => w1!, { bias: bias1!, lora: null, trainable: true }),
      formula: plain,
    });
  });

  test.each([1, 1e3])('frozen weight with LoRA, inputs times %d', (factor) => {
    const frozen = tensorOf(w);
    checkGradients({
      inputs: [{ ...x, values: x.values.map((value) => value * factor) }, bias, a, b],
      op: (x1, bias1, ...lora) =>
        linear(x1!, () => frozen, { bias: bias1!, lora: branch(lora), trainable: false }),
      formula: (x1, ...lora) => withLora(x1, w.values, lora),
    });
    frozen.dispose();
  });

  test('trained weight with LoRA and no bias', () => {
    const none = new Float64Array(OUT);
    checkGradients({
      inputs: [x, w, a, b],
      op: (x1, w1, ...lora) =>
        linear(x1!, () => w1!, { bias: null, lora: branch(lora), trainable: true }),
      formula: (x1, w1, ...lora) => withLora(x1, w1, [none, ...lora]),
    });
  });
});

const magnitude = randomOperand('magnitude', [OUT]);

/** ‖W + s·BA‖ of each row at the values of `a` and `b`. */
const norms = Array.from({ length: OUT }, (_, row) => {
  const adapted = Array.from({ length: IN }, (_, column) => {
    let delta = 0;
    for (let k = 0; k < R; k++) delta += b.values[row * R + k]! * a.values[k * IN + column]!;
    return w.values[row * IN + column]! + SCALE * delta;
  });
  return Math.hypot(...adapted);
});

test('DoRA scales the rows, and its norms count as constants in the gradient', () => {
  const frozen = tensorOf(w);
  const none = new Float64Array(OUT);
  checkGradients({
    inputs: [x, bias, a, b, magnitude],
    op: (x1, bias1, ...lora) =>
      linear(x1!, () => frozen, { bias: bias1!, lora: branch(lora), trainable: false }),
    formula: (x1, bias1, a1, b1, m) =>
      withLora(x1, w.values, [none, a1, b1] as never).map(
        (value, i) => (value * m![i % OUT]!) / norms[i % OUT]! + bias1![i % OUT]!,
      ),
  });
  frozen.dispose();
});

test('dropout of DoRA leaves the base product whole', () => {
  tf.tidy(() => {
    const matrices = [tensorOf(a), tensorOf(b), tensorOf(magnitude)];
    const lora = { ...branch(matrices), dropout: (y: Tensor) => tf.zerosLike(y) };
    const y = linear(tensorOf(x), () => tensorOf(w), {
      bias: tensorOf(bias),
      lora,
      trainable: false,
    });
    expect(y.dataSync()).toBeAllclose(plain(x.values, w.values, bias.values));
  });
});

test('dropout acts on the input of the branch only', () => {
  tf.tidy(() => {
    const lora = { ...branch([tensorOf(a), tensorOf(b)]), dropout: (y: Tensor) => tf.zerosLike(y) };
    const y = linear(tensorOf(x), () => tensorOf(w), { bias: null, lora, trainable: false });
    expect(y.dataSync()).toBeAllclose(timesTransposed(x.values, w.values, IN));
  });
});

test('a stopped gradient is zero, its value stays', () => {
  tf.tidy(() => {
    const f = (y: Tensor) => tf.sum(y.mul(stopGradient(y)));
    const { value, grad } = tf.valueAndGrad(f)(tf.tensor1d([2, -3]));
    // d(y · c)/dy = c with c = y held fixed.
    expect([value.dataSync()[0]!, ...grad.dataSync()]).toEqual([13, 2, -3]);
  });
});
