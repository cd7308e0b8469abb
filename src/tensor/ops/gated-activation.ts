/** The gated activation of an MLP, act(gate)·up, on the tape. */
import { kernels } from '../kernels/kernels.js';
import type { NativeGate } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';

export type GateKind = NativeGate;

/** @param gate `[N, I]` @param up `[N, I]` @returns `[N, I]` */
export function gatedActivation(gate: Tensor, up: Tensor, kind: GateKind): Tensor {
  return tf.customGrad((...inputs) => {
    const save = inputs[2] as unknown as (tensors: Tensor[]) => void;
    const [g, u] = inputs as unknown as [Tensor, Tensor];
    save([g, u]);
    return {
      value: kernels().gated(g, u, kind),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        kernels().gatedGradient({ gate: saved[0]!, up: saved[1]!, dy }, kind),
    };
  })(gate, up);
}
