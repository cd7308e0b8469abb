import { describe, expect, test } from 'vitest';
import { gatedActivation, type Tensor, tf } from '../../../src/tensor/index.js';
import { composedKernels } from '../../../src/tensor/kernels/composed.js';
import { kernels, type LayerKernels } from '../../../src/tensor/kernels/kernels.js';
import type { GateKind } from '../../../src/tensor/ops/gated-activation.js';
import { checkGradients, type Operand, operand, randomOperand, tensorOf } from './ops-gradient.js';

/** Φ(x) by its power series, and by the leading terms of the asymptotic one far out. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  if (z > 4) {
    const tail = (Math.exp(-z * z) / (z * Math.sqrt(Math.PI))) * (1 - 1 / (2 * z * z));
    return x > 0 ? 1 - tail / 2 : tail / 2;
  }
  let [term, sum] = [z, z];
  for (let n = 1; n < 100; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  const erf = (2 / Math.sqrt(Math.PI)) * sum;
  return (1 + Math.sign(x) * erf) / 2;
}

const ACTIVATIONS = {
  silu: (g: number) => g / (1 + Math.exp(-g)),
  gelu_tanh: (g: number) =>
    0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3))),
  gelu: (g: number) => g * normalCdf(g),
  relu: (g: number) => Math.max(g, 0),
  clamped_silu: (g: number) => Math.min(g, 7) / (1 + Math.exp(-1.702 * Math.min(g, 7))),
} as const satisfies Record<GateKind, (g: number) => number>;

/** What is multiplied by that. */
const factorOf = (kind: GateKind, up: number): number =>
  kind === 'clamped_silu' ? Math.max(-7, Math.min(up, 7)) + 1 : up;

const KINDS = Object.keys(ACTIVATIONS) as GateKind[];

const gates: Record<string, Operand> = {
  usual: randomOperand('gate', [3, 4]),
  wide: randomOperand('wide gate', [3, 4], { std: 4 }),
  extreme: operand([3, 4], [0, -0, 30, -30, 88, -88, 200, -200, 1e4, -1e4, 1e-6, -1e-6]),
};

describe.each(KINDS)('%s', (kind) => {
  // Of relu at 0 there is none.
  const known = Object.entries(gates).filter(([name]) => kind !== 'relu' || name !== 'extreme');

  test.each(known)('gradients at %s gates', (_, gate) => {
    checkGradients({
      inputs: [gate, randomOperand('up', [3, 4])],
      op: (g, u) => gatedActivation(g!, u!, kind),
      formula: (g, u) => g.map((value, i) => ACTIVATIONS[kind](value) * factorOf(kind, u[i]!)),
    });
  });

  test('gradients at wide ups', () => {
    checkGradients({
      inputs: [gates.wide!, randomOperand('wide up', [3, 4], { std: 10 })],
      op: (g, u) => gatedActivation(g!, u!, kind),
      formula: (g, u) => g.map((value, i) => ACTIVATIONS[kind](value) * factorOf(kind, u[i]!)),
    });
  });

  test("TensorFlow's own operations and ours give the same", () => {
    tf.tidy(() => {
      const [gate, up, dy] = ['wide gate', 'wide up', 'dy'].map((name) =>
        tensorOf(randomOperand(name, [3, 7], { std: 6 })),
      ) as [Tensor, Tensor, Tensor];
      const resultsOf = (those: LayerKernels) => {
        const [y, ...trace] = those.gated(gate, up, kind);
        const all = [y, those.gatedAgain(trace, kind), ...those.gatedGradient(trace, dy, kind)];
        return all.flatMap((x) => [...x.dataSync()]);
      };
      // Far out the slope of gelu_tanh is a difference of numbers of about 40.
      expect(resultsOf(kernels())).toBeAllclose(resultsOf(composedKernels), { atol: 5e-5 });
    });
  });

  test('at 1', () => {
    // silu(1) = 1/(1 + e^−1); gelu(1) = Φ(1) = 0.8413447; its tanh form: 0.8411920. 1/(1 + e^−1.702) = 0.8457958, times 3.
    const values = { silu: 0.7310586, gelu_tanh: 0.841192, gelu: 0.8413447, relu: 1 };
    const expected = { ...values, clamped_silu: 0.8457958 * 1.5 }[kind];
    const y = tf.tidy(() => gatedActivation(tf.ones([1]), tf.fill([1], 2), kind).dataSync()[0]!);
    expect([y]).toBeAllclose([2 * expected]);
  });
});
