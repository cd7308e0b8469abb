/**
 * The gated activation of an MLP, act(gate)·up, and its gradient: SwiGLU, GeGLU and ReGLU (Shazeer 2020).
 *
 * silu(g) = g·σ(g), d·silu'(g) = d·σ + (d − d·σ)·silu(g), which is d·(σ + g·σ·(1 − σ)).
 * gelu_tanh(g) = ½g(1 + t), t = tanh(√(2/π)(g + 0.044715 g³)); its derivative is
 * ½(1 + t) + ½g(1 − t²)·√(2/π)(1 + 0.134145 g²). gelu(g) = g·Φ(g), derivative Φ + g·φ.
 *
 * gpt-oss clamps both, with c = 7: g·σ(1.702 g)·(u + 1) of min(g, c) and of u from −c to c. The slope of a clamp is 1 within
 * its bounds and 0 beyond.
 */
import { attr, executeOp } from '../execute.js';
import type { NativeGate } from '../native/calls.js';
import { emptyTensor, type Tensor, tf } from '../tf.js';

interface Gate {
  value(g: Tensor): Tensor;
  /** What that is multiplied by; absent: up as it is. */
  factor?(up: Tensor): Tensor;
  /** d·factor'(up). */
  throughFactor?(up: Tensor, d: Tensor): Tensor;
  /** d·act'(g). @param value act(g) */
  backward(g: Tensor, d: Tensor, value: Tensor): Tensor;
}

const [CLAMP, SIGMOID_GAIN] = [7, 1.702];
const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const FLOAT = [attr.type('T', 'float32')];

const tanhOf = (g: Tensor, square: Tensor): Tensor =>
  tf.tanh(g.mul(square.mul(0.044715).add(1)).mul(ROOT_2_OVER_PI));

const cdfOf = (g: Tensor): Tensor => tf.erf(g.mul(Math.SQRT1_2)).add(1).mul(0.5);

/** x·σ(g) in one pass: softplus' is σ. */
const timesSigmoid = (x: Tensor, g: Tensor): Tensor => executeOp('SoftplusGrad', FLOAT, [x, g]);

const GATES: Readonly<Record<NativeGate, Gate>> = {
  silu: {
    value: (g) => timesSigmoid(g, g),
    backward(g, d, value) {
      const slope = timesSigmoid(d, g);
      return d.sub(slope).mul(value).add(slope);
    },
  },
  gelu_tanh: {
    value: (g) => g.mul(tanhOf(g, tf.square(g)).add(1).mul(0.5)),
    backward(g, d) {
      const square = tf.square(g);
      const t = tanhOf(g, square);
      const half = t.add(1).mul(0.5);
      const inner = square.mul(0.134145).add(1).mul(ROOT_2_OVER_PI);
      const curved = g
        .mul(0.5)
        .mul(tf.scalar(1).sub(tf.square(t)))
        .mul(inner);
      return d.mul(half.add(curved));
    },
  },
  gelu: {
    value: (g) => g.mul(cdfOf(g)),
    backward(g, d) {
      const cdf = cdfOf(g);
      const pdf = tf.exp(tf.square(g).mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
      return d.mul(cdf.add(g.mul(pdf)));
    },
  },
  relu: {
    value: (g) => tf.relu(g),
    backward: (g, d) => executeOp('ReluGrad', FLOAT, [d, g]),
  },
  clamped_silu: {
    value(g) {
      const x = tf.minimum(g, CLAMP);
      return timesSigmoid(x, x.mul(SIGMOID_GAIN));
    },
    factor: (up) => tf.clipByValue(up, -CLAMP, CLAMP).add(1),
    throughFactor: (up, d) => d.mul(tf.lessEqual(tf.abs(up), CLAMP)),
    backward(g, d, value) {
      const slope = timesSigmoid(d, g.mul(SIGMOID_GAIN));
      const through = d.sub(slope).mul(value).mul(SIGMOID_GAIN).add(slope);
      return through.mul(tf.lessEqual(g, CLAMP));
    },
  },
};

/** act(gate)·up */
export const gatedProduct = (value: Tensor, up: Tensor, kind: NativeGate): Tensor =>
  value.mul(GATES[kind].factor?.(up) ?? up);

/** A result with its trace, or with empty tensors in its place. */
export function withTrace(
  [y, ...trace]: readonly [Tensor, ...Tensor[]],
  keeps: boolean,
): [Tensor, ...Tensor[]] {
  if (keeps) return [y, ...trace];
  tf.dispose(trace);
  return [y, ...trace.map(emptyTensor)];
}

/** act(gate) */
export const composedActivation = (gate: Tensor, kind: NativeGate): Tensor =>
  tf.tidy(() => GATES[kind].value(gate));

/** d·act'(g) */
export const composedActivationGradient = (g: Tensor, d: Tensor, kind: NativeGate): Tensor =>
  tf.tidy(() => GATES[kind].backward(g, d, GATES[kind].value(g)));

/** @param trace gate and up, and act(gate) where it is at hand. @returns d gate, d up */
export function composedGatedGradient(
  trace: readonly Tensor[],
  dy: Tensor,
  kind: NativeGate,
): [Tensor, Tensor] {
  const [gate, up, known] = trace as [Tensor, Tensor, Tensor?];
  return tf.tidy(() => {
    const value = known ?? GATES[kind].value(gate);
    const { backward, throughFactor } = GATES[kind];
    const toFactor = dy.mul(value);
    return [
      backward(gate, gatedProduct(dy, up, kind), value),
      throughFactor?.(up, toFactor) ?? toFactor,
    ];
  });
}
