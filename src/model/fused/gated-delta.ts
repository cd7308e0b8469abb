/**
 * The gated delta rule of a layer. Results of its projections are kept; what comes between those is computed again for
 * the gradient, which a tape takes.
 */
import { deltaTapeBytes, groupCount } from '../delta-groups.js';
import type { GatedDeltaLayer } from '../spec.js';
import { linearGroups } from '../spec-modules.js';
import { DeltaCore } from './delta-core.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank } from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedGatedDelta(
  context: FusedContext,
  layer: number,
  mixer: GatedDeltaLayer,
): Inner {
  const { spec, compute, geometry } = context;
  const { mixerIn, mixerOut } = linearGroups(spec, layer);
  const inner = context.linears(mixerIn);
  const bytes = geometry.ids.size * deltaTapeBytes(mixer, geometry.chunks().size);
  const groups = groupCount(bytes, mixer.keyHeads);
  const core = new DeltaCore(context, { layer, mixer, groups });
  return {
    linears: [...inner, ...context.linears([mixerOut])],
    forward(h, linears) {
      const lows = lowRank(h, linears, compute);
      const outputs = forwardGroup({ x: h, lows }, linears, { out: compute });
      return { core: core.result(outputs), saved: [...outputs, ...lows] };
    },
    coreOf: (saved) => core.result(saved.slice(0, inner.length)),
    backward({ h, dcore, saved }, linears, output) {
      const [outputs, lows] = [saved.slice(0, linears.length), saved.slice(linears.length)];
      const args = { x: h, dys: core.gradient(outputs, dcore), linears, lows };
      const { dx, gradients } = backwardGroup(args, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
