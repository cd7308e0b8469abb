/** The gated MLP of a layer by our own operations. The activation is computed again in the backward pass. */
import { kernels, tf } from '../../tensor/index.js';
import type { LinearGroups } from '../spec-modules.js';
import { inColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank, productsOf } from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedMlp(
  context: FusedContext,
  { gateUp, down }: NonNullable<LinearGroups['mlp']>,
): Inner {
  const { spec, compute } = context;
  const widths = [spec.intermediateSize, spec.intermediateSize];
  return {
    linears: [...context.linears(gateUp), ...context.linears([down])],
    forward(h, linears, { keeps }) {
      const lows = lowRank(h, linears, compute);
      if (linears.length === 2 && linears.every(({ bias }) => bias === null)) {
        const [gate, up] = productsOf({ x: h, lows }, linears);
        const options = { kind: spec.activation, keeps };
        const [core, ...trace] = tf.tidy(() => kernels().gatedGemm([gate!(), up!()], options));
        return { core, saved: [...trace, ...lows] };
      }
      const [gate, up] = tf.tidy(() =>
        inColumns(forwardGroup({ x: h, lows }, linears, { out: compute }), 2, widths),
      );
      const [core, ...trace] = kernels().gated(gate!, up!, spec.activation);
      return { core, saved: [...trace, ...lows] };
    },
    coreOf: (saved) => kernels().gatedAgain(saved, spec.activation),
    backward({ h, dcore, saved }, linears, output) {
      const lows = [...saved];
      const trace = lows.splice(0, kernels().gatedTrace);
      const dys = tf.tidy(() =>
        inColumns(kernels().gatedGradient(trace, dcore, spec.activation), linears.length, widths),
      );
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
