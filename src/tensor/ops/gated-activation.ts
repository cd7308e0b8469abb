/**
 * The gated activation of an MLP, act(gate) · up, with its gradient: SwiGLU and GeGLU (Shazeer 2020).
 *
 * silu(g) = g·σ(g), silu'(g) = σ + silu·(1 − σ).
 * gelu_tanh(g) = ½g(1 + t), t = tanh(√(2/π)(g + 0.044715 g³)); its derivative is
 * ½(1 + t) + ½g(1 − t²)·√(2/π)(1 + 0.134145 g²). gelu(g) = g·Φ(g), derivative Φ + g·φ.
 */
import { nativeGated, nativeGatedGradient } from '../native/calls.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';

export type GateKind = 'silu' | 'gelu_tanh' | 'gelu';

interface Gate {
  /** [act(g), act'(g)] */
  valueAndSlope(g: Tensor): [Tensor, Tensor];
}

const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const GATES: Readonly<Record<GateKind, Gate>> = {
  silu: {
    valueAndSlope(g) {
      const sigmoid = tf.sigmoid(g);
      const value = g.mul(sigmoid);
      return [value, sigmoid.add(value).sub(value.mul(sigmoid))];
    },
  },
  gelu_tanh: {
    valueAndSlope(g) {
      const square = tf.square(g);
      const t = tf.tanh(g.mul(square.mul(0.044715).add(1)).mul(ROOT_2_OVER_PI));
      const half = t.add(1).mul(0.5);
      const inner = square.mul(0.134145).add(1).mul(ROOT_2_OVER_PI);
      const slope = half.add(
        g
          .mul(0.5)
          .mul(tf.scalar(1).sub(tf.square(t)))
          .mul(inner),
      );
      return [g.mul(half), slope];
    },
  },
  gelu: {
    valueAndSlope(g) {
      const cdf = tf.erf(g.mul(Math.SQRT1_2)).add(1).mul(0.5);
      const pdf = tf.exp(tf.square(g).mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
      return [g.mul(cdf), cdf.add(g.mul(pdf))];
    },
  },
};

/** @param gate `[N, I]` @param up `[N, I]` @returns `[N, I]` */
export function gatedActivation(gate: Tensor, up: Tensor, kind: GateKind): Tensor {
  if (hasNativeOps()) return nativeActivation(gate, up, kind);
  return tf.customGrad((...inputs) => {
    const save = inputs[2] as unknown as (tensors: Tensor[]) => void;
    const [g, u] = inputs as unknown as [Tensor, Tensor];
    const [value, slope] = GATES[kind].valueAndSlope(g);
    save([u, value, slope]);
    return {
      value: value.mul(u),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [u1, value1, slope1] = saved as [Tensor, Tensor, Tensor];
        return [dy.mul(u1).mul(slope1), dy.mul(value1)];
      },
    };
  })(gate, up);
}

function nativeActivation(gate: Tensor, up: Tensor, kind: GateKind): Tensor {
  return tf.customGrad((...inputs) => {
    const save = inputs[2] as unknown as (tensors: Tensor[]) => void;
    const [g, u] = inputs as unknown as [Tensor, Tensor];
    save([g, u]);
    return {
      value: nativeGated(g, u, kind),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        nativeGatedGradient({ gate: saved[0]!, up: saved[1]!, dy }, kind),
    };
  })(gate, up);
}
