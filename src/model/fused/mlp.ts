/** The gated MLP of a layer by our own operations. The activation is computed again in the backward pass. */
import { kernels, tf } from '../../tensor/index.js';
import { columnsOf, joinColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank, productsOf } from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedMlp(context: FusedContext, layer: number): Inner {
  const { spec, compute } = context;
  const prefix = `model.layers.${layer}.mlp`;
  const names = spec.fusedProjections ? ['gate_up_proj'] : ['gate_proj', 'up_proj'];
  const count = names.length;
  const widths = [spec.intermediateSize, spec.intermediateSize];
  return {
    linears: [...names, 'down_proj'].map((name) => context.linear(`${prefix}.${name}`)),
    forward(h, linears, { keeps }) {
      const lows = lowRank(h, linears, compute);
      if (count === 2 && linears.every(({ bias }) => bias === null)) {
        const [gates, ups] = productsOf({ x: h, lows }, linears);
        const options = { kind: spec.activation, keeps };
        const [core, ...trace] = tf.tidy(() => kernels().gatedGemm([gates!(), ups!()], options));
        return { core, saved: [...trace, ...lows] };
      }
      const outputs = forwardGroup({ x: h, lows }, linears, { out: compute });
      const [gate, up] = columnsOf(outputs, widths);
      const [core, ...trace] = kernels().gated(gate!, up!, spec.activation);
      return { core, saved: [...trace, ...lows] };
    },
    coreOf: (saved) => kernels().gatedAgain(saved, spec.activation),
    backward({ h, dcore, saved }, linears, output) {
      const lows = [...saved];
      const trace = lows.splice(0, kernels().gatedTrace);
      const parts = kernels().gatedGradient(trace, dcore, spec.activation);
      const dys = joinColumns(parts, count);
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
