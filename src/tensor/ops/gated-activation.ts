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
    const [value, ...trace] = kernels().gated(g, u, kind);
    save(trace);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => kernels().gatedGradient(saved, dy, kind),
    };
  })(gate, up);
}
