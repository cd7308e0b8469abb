/** The gated MLP of a layer by our own operations. The activation is computed again in the backward pass. */
import { nativeGated, nativeGatedGradient, type Tensor } from '../../tensor/index.js';
import { columnsOf, joinColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup } from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedMlp(context: FusedContext, layer: number): Inner {
  const { spec, compute } = context;
  const prefix = `model.layers.${layer}.mlp`;
  const names = spec.fusedProjections ? ['gate_up_proj'] : ['gate_proj', 'up_proj'];
  const count = names.length;
  const widths = [spec.intermediateSize, spec.intermediateSize];
  return {
    linears: [...names, 'down_proj'].map((name) => context.linear(`${prefix}.${name}`)),
    forward(h, linears, output) {
      const inputs = forwardGroup(h, linears.slice(0, count), { out: compute, compute });
      const [gate, up] = columnsOf(inputs.outputs, widths, compute);
      const active = nativeGated(gate!, up!, spec.activation);
      const last = forwardGroup(active, linears.slice(count), { ...output, compute });
      return { value: last.outputs[0]!, saved: [gate!, up!, ...last.saved, ...inputs.saved] };
    },
    backward({ h, dy, saved }, linears, output) {
      const rest = [...saved];
      const [gate, up] = rest.splice(0, 2) as [Tensor, Tensor];
      const lastSaved = rest.splice(0, linears[count]!.lora === null ? 0 : 1);
      const active = nativeGated(gate, up, spec.activation);
      const last = backwardGroup(
        { x: active, dys: [dy], linears: linears.slice(count), saved: lastSaved },
        { out: compute, compute },
      );
      const parts = nativeGatedGradient({ gate, up, dy: last.dx }, spec.activation);
      const inputs = backwardGroup(
        {
          x: h,
          dys: joinColumns(parts, count, compute),
          linears: linears.slice(0, count),
          saved: rest,
        },
        { ...output, compute },
      );
      return { dh: inputs.dx, gradients: [...inputs.gradients, ...last.gradients] };
    },
  };
}
